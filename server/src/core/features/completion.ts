import type { Analysis } from '../analysis';
import type { Catalogs, JsonSchema } from '../catalogs';
import type { TrainingRun } from '../run/training-run';
import { factsOf, findKey, propertiesOf, takesAuto, typesOf, valuesOf } from '../schema/keys';
import { isOtherDialect } from '../schema/settings';
import { isAtLeast, statedVersion } from '../schema/versions';
import { expectedWords } from '../schema/words';
import type { DialectId } from '../source';
import type { TextEdit } from '../text/edit';
import { jsonPlace } from './completion-json';
import type { CompletionPlace } from './completion-place';
import { keySnippet, written } from './completion-text';
import { yamlPlace } from './completion-yaml';
import { keyMarkdown } from './key-words';
import { sensibleValues, usualValues } from './sensible-values';
import { type EstimateOf, valueEffects } from './value-effects';

/** One proposal; `insertText` is a snippet in the syntax of LSP. */
export interface CompletionItem {
  readonly label: string;
  readonly kind: 'key' | 'section' | 'value';
  readonly detail: string;
  /** What the run would need with this value: `18.4 GiB, ≈ 21.0 s/step`; empty where it makes no difference. */
  readonly effect: string;
  readonly documentation: string;
  readonly insertText: string;
  /** What the typed text is compared with; holds the quote where one was typed. */
  readonly filterText: string;
  readonly sortText: string;
  /** The text that gives way. */
  readonly start: number;
  readonly end: number;
  /** The comma that is missing before a key. */
  readonly additionalEdits: readonly TextEdit[];
}

/**
 * Keys that are not there yet, or the values of a key, at any place of a recognised config, half-typed text included.
 * With `estimateOf` each value says what the run would need with it.
 */
export function completion(
  analysis: Analysis,
  offset: number,
  catalogs: Catalogs,
  estimateOf: EstimateOf = () => undefined,
): readonly CompletionItem[] {
  const { file, recognition } = analysis;
  if (!recognition || recognition.dialect === 'foreign') return [];
  // A text beyond the caps of the parser is not read here either: this looks at every line of it.
  if (!file.tree.root && file.tree.problems.some(({ kind }) => kind === 'limit')) return [];
  const place = file.tree.format === 'yaml' ? yamlPlace(file.text, offset) : jsonPlace(file.text, offset);
  if (!place) return [];
  const section = sectionAt(recognition.dialect, place.path, catalogs);
  if (!section) return [];
  return place.kind === 'key'
    ? keyItems(analysis, place, section.schema, file.tree.format)
    : valueItems(analysis, place, section, estimateOf);
}

interface Section {
  readonly schema: JsonSchema;
  readonly path: string;
}

/** The object schema a path leads to; `fsdp_config` and `deepspeed` of a Trainer file lead into their own dialects. */
function sectionAt(dialect: DialectId, path: readonly string[], catalogs: Catalogs): Section | undefined {
  let root = catalogs.schema(dialect).schema;
  let section: Section = { schema: root, path: '' };
  for (const name of path) {
    const isIndex = /^\d+$/.test(name);
    const found = isIndex ? undefined : findKey(section.schema, name)?.schema;
    const schema = isIndex ? section.schema.items : found;
    if (!schema) return undefined;
    const other = isOtherDialect(schema) ? OTHER_DIALECTS[name] : undefined;
    if (other) root = catalogs.schema(other).schema;
    section = { schema: other ? root : schema, path: other ? '' : section.path ? `${section.path}.${name}` : name };
  }
  return section;
}

const OTHER_DIALECTS: Readonly<Record<string, DialectId>> = { fsdp_config: 'fsdp', deepspeed: 'deepspeed' };

function keyItems(
  { run }: Analysis,
  place: CompletionPlace,
  section: JsonSchema,
  format: 'json' | 'yaml',
): readonly CompletionItem[] {
  const present = new Set(place.present);
  const version = run ? statedVersion(run, 'transformers') : undefined;
  const items: CompletionItem[] = [];
  for (const [name, schema] of Object.entries(propertiesOf(section))) {
    const facts = factsOf(schema);
    if (present.has(name) || schema.deprecated || facts.aliasOf || facts.removedIn) continue;
    if (version && facts.addedIn && /^\d/.test(facts.addedIn) && !isAtLeast(version, facts.addedIn)) continue;
    const isSection = typesOf(schema).includes('object');
    items.push({
      label: name,
      kind: isSection ? 'section' : 'key',
      detail: expectedWords(schema),
      effect: '',
      documentation: keyMarkdown([...place.path, name].join('.'), schema),
      insertText: keySnippet(name, schema, place, format),
      filterText: format === 'json' ? JSON.stringify(name) : name,
      sortText: String(items.length).padStart(4, '0'),
      start: place.start,
      end: place.end,
      additionalEdits: place.commaAt === undefined ? [] : [{ start: place.commaAt, end: place.commaAt, newText: ',' }],
    });
  }
  return items;
}

function valueItems(
  { file, run }: Analysis,
  place: CompletionPlace,
  section: Section,
  estimateOf: EstimateOf,
): readonly CompletionItem[] {
  if (place.key === undefined) return [];
  const schema = findKey(section.schema, place.key)?.schema;
  if (!schema) return [];
  const path = section.path ? `${section.path}.${place.key}` : place.key;
  const values = candidates(schema, place.key, run);
  const texts = values.map((value) => written(value, file.tree.format));
  const usual = usualValues(place.key).length;
  const effects = valueEffects(file.text, place, usual > 0 ? texts.slice(0, usual) : texts, estimateOf);
  return texts.map((text, index) => ({
    label: text,
    kind: 'value',
    detail: values[index] === schema.default ? 'default' : '',
    effect: effects[index] ?? '',
    documentation: keyMarkdown(path, schema),
    insertText: escapeSnippet(text),
    filterText: text,
    sortText: String(index).padStart(4, '0'),
    start: place.start,
    end: place.end,
    additionalEdits: [],
  }));
}

/** Listed values, the usual ones first, both booleans, "auto" where somebody fills it, the default, and what is worth trying. */
function candidates(schema: JsonSchema, key: string, run: TrainingRun | undefined): readonly unknown[] {
  const listed = valuesOf(schema).filter((value) => value !== null);
  const values = new Set<unknown>([...usualValues(key).filter((value) => listed.includes(value)), ...listed]);
  const types = typesOf(schema);
  if (types.includes('boolean')) {
    values.add(true);
    values.add(false);
  }
  if (takesAuto(schema)) values.add('auto');
  const { default: fallback } = schema;
  if (fallback !== undefined && fallback !== null && typeof fallback !== 'object') values.add(fallback);
  const wanted = types.includes('integer') || types.includes('number') ? 'number' : 'string';
  for (const value of sensibleValues(key, run)) if (typeof value === wanted) values.add(value);
  if (listed.length > 0) return [...values];
  // Numbers that are only worth trying stand in their order.
  const isNumber = (value: unknown): value is number => typeof value === 'number';
  return [...[...values].filter((value) => !isNumber(value)), ...[...values].filter(isNumber).sort((a, b) => a - b)];
}

function escapeSnippet(text: string): string {
  return text.replace(/[\\$}]/g, '\\$&');
}
