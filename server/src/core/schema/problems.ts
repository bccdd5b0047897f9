import type { DialectSchema, JsonSchema, SchemaError } from '../catalogs';
import { kept } from '../kept';
import type { Setting } from '../settings';
import type { Config } from '../source';
import type { MappingNode, Node } from '../syntax/node';
import { toPlain } from '../syntax/plain';
import { factsOf } from './keys';
import { type Misfit, misfitOf } from './misfit';
import { type DescribedSetting, describedSettings, isOtherDialect } from './settings';

/** A place where a config departs from its dialect's schema. Whether that is an error is for the rules to say. */
export type SchemaProblem =
  | {
      readonly kind: 'unknown-key';
      readonly setting: Setting;
      readonly key: string;
      /** The object the key stands in. */
      readonly parent: JsonSchema;
      readonly owner: MappingNode;
    }
  | {
      readonly kind: 'missing-key';
      /** The section that lacks it; undefined for the whole config. */
      readonly setting: Setting | undefined;
      readonly key: string;
      readonly parent: JsonSchema;
    }
  | ({
      readonly kind: 'wrong-type' | 'out-of-range' | 'unknown-value';
      readonly setting: Setting;
      readonly key: string;
      readonly schema: JsonSchema;
      readonly parent: JsonSchema;
      readonly owner: MappingNode;
    } & Misfit);

/** One list per config and schema: several rules look at the same one. */
const known = kept<Config, { schema: DialectSchema; problems: readonly SchemaProblem[] }>();

/**
 * Where a config departs from its schema, in the order written. The compiled validator says where; what is wrong there is
 * worked out from the schema and the value as the framework reads it, so that a coercion it makes is no problem and no
 * word of the validator reaches anybody. Values that a template fills prove nothing and are left out.
 */
export function schemaProblems(config: Config, schema: DialectSchema): readonly SchemaProblem[] {
  const earlier = known.get(config);
  if (earlier?.schema === schema) return earlier.problems;
  const problems = findProblems(config, schema);
  known.set(config, { schema, problems });
  return problems;
}

function findProblems(config: Config, { schema, validate }: DialectSchema): readonly SchemaProblem[] {
  const reader = config.file.tree.format === 'yaml' ? 'yaml' : config.dialect === 'deepspeed' ? 'hjson' : 'json';
  const errors = validate(toPlain(config.root, reader));
  if (errors.length === 0) return [];
  const byPointer = new Map<string, DescribedSetting>();
  for (const described of describedSettings(config, schema)) {
    byPointer.set(pointerOf(described.setting), described);
  }
  const seen = new Set<string>();
  const problems: SchemaProblem[] = [];
  for (const error of errors) {
    const problem = problemOf(error, byPointer, schema);
    if (!problem) continue;
    const id = `${problem.kind === 'missing-key' ? 'missing' : 'at'} ${problem.setting?.path ?? ''} ${problem.key}`;
    if (seen.has(id)) continue;
    seen.add(id);
    problems.push(problem);
  }
  return problems.sort((a, b) => startOf(a) - startOf(b));
}

function startOf(problem: SchemaProblem): number {
  return problem.setting?.entry.start ?? 0;
}

/** Dotted paths hold the same parts as JSON pointers; only the separators differ. */
function pointerOf(setting: Setting): string {
  return `/${setting.path.replaceAll('.', '/')}`;
}

/** A JSON pointer without its escapes, to compare with {@link pointerOf}. */
function unescaped(pointer: string): string {
  return pointer.replaceAll('~1', '/').replaceAll('~0', '~');
}

function problemOf(
  error: SchemaError,
  byPointer: ReadonlyMap<string, DescribedSetting>,
  root: JsonSchema,
): SchemaProblem | undefined {
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty);
    const found = byPointer.get(`${unescaped(error.instancePath)}/${key}`.replaceAll('.', '/'));
    if (!found?.parent || found.schema || isComment(key)) return undefined;
    return { kind: 'unknown-key', setting: found.setting, key, parent: found.parent, owner: found.owner };
  }
  const found = byPointer.get(unescaped(error.instancePath).replaceAll('.', '/'));
  if (error.keyword === 'required') {
    const parent = found?.schema ?? root;
    if (error.instancePath !== '' && !found) return undefined;
    return { kind: 'missing-key', setting: found?.setting, key: String(error.params.missingProperty), parent };
  }
  if (!found?.schema || !found.parent) return undefined;
  return valueProblem(found, found.schema, found.parent);
}

/** Keys people write for a note to themselves; no framework reads them. */
function isComment(key: string): boolean {
  return /^(?:_|\/\/|#|\$schema$|comments?$)/i.test(key);
}

function valueProblem(found: DescribedSetting, schema: JsonSchema, parent: JsonSchema): SchemaProblem | undefined {
  const { setting, key, owner } = found;
  if (!setting.node || isTemplate(setting.node) || isOtherDialect(schema)) return undefined;
  const strict = factsOf(parent).unknownKeys === 'reject' && setting.config.dialect === 'deepspeed';
  const misfit = misfitOf(setting.node, schema, strict);
  if (!misfit) return undefined;
  const kind = misfit.form === 'range' ? 'out-of-range' : misfit.form === 'value' ? 'unknown-value' : 'wrong-type';
  return { kind, setting, key, schema, parent, owner, ...misfit };
}

function isTemplate(node: Node): boolean {
  return node.kind === 'scalar' && node.templated;
}
