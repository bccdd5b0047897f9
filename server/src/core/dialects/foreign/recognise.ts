import type { SourceFile } from '../../source';
import type { MappingNode, Node } from '../../syntax/node';
import type { Recognition } from '../dialect';
import { hasKey, mappingAt, rootMapping } from '../root';
import { FRAMEWORKS, type Sign } from './frameworks';

/** A recipe of a framework that has no dialect here yet: named, with the reason, and left alone. */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined) return undefined;
  const component = torchtuneKey(root);
  if (component !== undefined) return foreign('torchtune', `has \`_component_\` in \`${component}\``);
  for (const { name, sign } of mayFit(root)) {
    const found = matches(root, sign);
    if (found === undefined) continue;
    const named = found.slice(0, 3).map((key) => `\`${key}\``);
    return foreign(name, `has ${named.join(', ')}`);
  }
  return undefined;
}

interface NamedSign {
  readonly name: string;
  readonly sign: Sign;
  /** Where it stands among all: the first that fits is taken. */
  readonly rank: number;
}

const SIGNS: readonly NamedSign[] = FRAMEWORKS.flatMap(({ name, signs }) => signs.map((sign) => ({ name, sign }))).map(
  (each, rank) => ({ ...each, rank }),
);

/** By the first key that has to be there: most configs have none of them. */
const BY_KEY = new Map<string | undefined, NamedSign[]>();
for (const each of SIGNS) {
  const key = each.sign.all[0]?.split('.')[0];
  const others = BY_KEY.get(key);
  if (others) others.push(each);
  else BY_KEY.set(key, [each]);
}

/** The signs of which the first key is there, and those without such a key, in their order. */
function mayFit(root: MappingNode): readonly NamedSign[] {
  const found = [...(BY_KEY.get(undefined) ?? [])];
  for (const { key } of root.entries)
    for (const each of BY_KEY.get(key) ?? []) if (!found.includes(each)) found.push(each);
  return found.sort((a, b) => a.rank - b.rank);
}

function foreign(framework: string, reason: string): Recognition {
  return { dialect: 'foreign', confidence: 0.9, reason, framework };
}

/** torchtune names a class in every section: `optimizer: { _component_: torch.optim.AdamW }`. */
function torchtuneKey(root: MappingNode): string | undefined {
  for (const { key, value } of root.entries) {
    if (value?.kind === 'mapping' && hasKey(value, '_component_')) return key;
  }
  return undefined;
}

/** The keys by which a sign fits, or undefined. */
function matches(root: MappingNode, sign: Sign): readonly string[] | undefined {
  if (!sign.all.every((path) => hasPath(root, path))) return undefined;
  if (sign.none?.some((path) => hasPath(root, path))) return undefined;
  const some = (sign.some ?? []).filter((path) => hasPath(root, path));
  return some.length >= (sign.least ?? 0) ? [...sign.all, ...some] : undefined;
}

function hasPath(root: MappingNode, path: string): boolean {
  const dot = path.indexOf('.');
  if (dot < 0) return hasKey(root, path);
  const section: Node | undefined = mappingAt(root, path.slice(0, dot));
  return section !== undefined && hasKey(section, path.slice(dot + 1));
}
