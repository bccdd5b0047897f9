import type { JsonSchema } from '../catalogs';
import type { FileEdit } from '../findings';
import type { Launch } from '../run/launch';
import type { Written } from '../run/written';
import { childSchema, typesOf } from '../schema/keys';
import type { Config, Path, SourceFile } from '../source';
import { insertEntry, replaceValue, setPath } from '../syntax/editing';
import { lookup, type MappingNode } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { applyEdits } from '../text/edit';

/** The training arguments as the flags of a launch line make them, as if they stood in the Trainer file. */
export interface Effective {
  readonly file: SourceFile;
  /** In the order of their places. */
  readonly flags: readonly EffectiveFlag[];
}

/** A flag of a launch line, and where its value stands in the text of {@link Effective}. */
export interface EffectiveFlag {
  readonly written: Written;
  readonly start: number;
  readonly end: number;
  /** What it takes the place of in the Trainer file; without length where the file has no such key. */
  readonly own: { readonly start: number; readonly end: number };
}

/**
 * The Trainer file with each flag in the place of its key, and the keys that only flags give behind the others; undefined where no flag
 * is a training argument. `trainer` undefined: the launch line gives all arguments, and `path` is where they are thought to stand.
 */
export function effectiveArguments(
  trainer: Config | undefined,
  launch: Launch,
  schema: JsonSchema,
  path: Path,
): Effective | undefined {
  const values = givenBy(trainer, launch, schema);
  const [first] = values;
  if (!first) return undefined;
  if (trainer) return within(trainer.file, trainer.root, values);
  const empty = parseSource(path, '');
  const head = within(empty, undefined, [first]);
  if (head?.file.tree.root?.kind !== 'mapping') return undefined;
  const all = within(head.file, head.file.tree.root, values.slice(1));
  return { file: (all ?? head).file, flags: [...head.flags, ...(all?.flags ?? [])] };
}

/** Whether a launch line gives anything besides the file that holds the arguments. */
export function givesArguments({ arguments: args }: Launch): boolean {
  for (const name of args.keys()) if (!NO_ARGUMENTS.has(name)) return true;
  return false;
}

interface Value {
  readonly name: string;
  readonly value: unknown;
  readonly written: Written;
}

/** Flags that are no argument of the Trainer's, whatever its schema says of them. */
const NO_ARGUMENTS = new Set(['config', 'local_rank', 'help']);

/** Old names that the Trainer reads after the new ones, where it has both (training_args.py __post_init__, transformers 4.41 to 4.45). */
const RENAMED = new Map([['evaluation_strategy', 'eval_strategy']]);

function givenBy(trainer: Config | undefined, launch: Launch, schema: JsonSchema): Value[] {
  const found: Value[] = [];
  for (const [flag, written] of launch.arguments) {
    if (NO_ARGUMENTS.has(flag)) continue;
    // HfArgumentParser gives a boolean that is true by default a second flag (hf_argparser.py:254, transformers 5.23.0).
    const denied = flag.startsWith('no_') ? childSchema(schema, flag.slice(3)) : undefined;
    const known = denied ?? childSchema(schema, flag);
    if (!known && !(trainer && lookup(trainer.root, flag))) continue;
    const newer = RENAMED.get(flag);
    if (newer !== undefined && launch.arguments.has(newer)) continue;
    const older = [...RENAMED].find(([, to]) => to === flag)?.[0];
    // What the file gives by the old name stands over a flag of the new one.
    if (older !== undefined && trainer && lookup(trainer.root, older)) continue;
    const isNewer = newer !== undefined && trainer && !lookup(trainer.root, flag) && lookup(trainer.root, newer);
    const name = denied ? flag.slice(3) : isNewer ? newer : flag;
    const value = denied && written.plain === true ? false : asArgument(written, known);
    found.push({ name, value, written });
  }
  return found;
}

/** What argparse makes of the words of a flag, by the type of the argument (hf_argparser.py:200, transformers 5.23.0). */
function asArgument({ plain, templated }: Written, schema: JsonSchema | undefined): unknown {
  if (templated) return FILLED_LATER;
  const types = schema ? typesOf(schema) : ['boolean', 'number'];
  if (Array.isArray(plain)) return types.includes('array') ? plain : FILLED_LATER;
  if (typeof plain !== 'string') return plain;
  const isNumber = types.includes('number') || types.includes('integer');
  if (isNumber && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return Number(plain);
  if (types.includes('boolean')) {
    if (/^(true|t|yes|y|1)$/i.test(plain)) return true;
    if (/^(false|f|no|n|0)$/i.test(plain)) return false;
  }
  return plain;
}

/** Reads as a value that a variable fills. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a shell variable, as a config would hold it
const FILLED_LATER = '${flag}';

function within(file: SourceFile, root: MappingNode | undefined, values: readonly Value[]): Effective | undefined {
  const made = values.flatMap((each) => {
    const edit = editFor(file, root, each);
    return edit ? [{ edit, written: each.written }] : [];
  });
  if (made.length === 0) return undefined;
  made.sort((a, b) => a.edit.start - b.edit.start);
  const edits = made.map(({ edit }) => edit);
  if (edits.some((edit, index) => edit.start < (edits[index - 1]?.end ?? 0))) return undefined;
  let moved = 0;
  const flags = made.map(({ edit, written }): EffectiveFlag => {
    const start = edit.start + moved;
    moved += edit.newText.length - (edit.end - edit.start);
    return { written, start, end: start + edit.newText.length, own: { start: edit.start, end: edit.end } };
  });
  const merged = parseSource(file.path, applyEdits(file.text, edits));
  // A text that breaks where flags were put in would say what no launch does.
  return merged.tree.problems.length > file.tree.problems.length ? undefined : { file: merged, flags };
}

/** One edit a flag, so that what stands at its place is known to come from it; none where it cannot be written so. */
function editFor(file: SourceFile, root: MappingNode | undefined, { name, value }: Value): FileEdit | undefined {
  const entry = root && lookup(root, name);
  const edits = !root
    ? setPath(file, undefined, [name], value)
    : !entry
      ? insertEntry(file, root, name, value)
      : entry.value
        ? replaceValue(file, entry.value, value)
        : [];
  return edits.length === 1 ? edits[0] : undefined;
}
