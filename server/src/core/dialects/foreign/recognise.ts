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
  for (const framework of FRAMEWORKS) {
    for (const sign of framework.signs) {
      const found = matches(root, sign);
      if (found !== undefined)
        return foreign(
          framework.name,
          `has ${found
            .slice(0, 3)
            .map((key) => `\`${key}\``)
            .join(', ')}`,
        );
    }
  }
  return undefined;
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
