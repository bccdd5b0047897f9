import { basename } from '../paths';
import type { DialectId, Path, SourceFile } from '../source';
import { parseSource } from '../syntax/parse';
import { accelerate } from './accelerate/dialect';
import { cluster } from './cluster/dialect';
import { deepspeed } from './deepspeed/dialect';
import type { Dialect, Recognition } from './dialect';
import { recognise as recogniseForeign } from './foreign/recognise';
import { fsdp } from './fsdp/dialect';
import { model } from './model/dialect';
import { shardlens } from './shardlens/dialect';
import { trainer } from './trainer/dialect';

/** Every dialect, in the order in which they are asked. */
export const dialects: readonly Dialect[] = [shardlens, accelerate, deepspeed, model, fsdp, trainer, cluster];

const BY_ID = new Map<DialectId, Dialect>(dialects.map((dialect) => [dialect.id, dialect]));

/** The dialect with this id. */
export function dialect(id: DialectId): Dialect {
  const found = BY_ID.get(id);
  if (found === undefined) throw new Error(`no dialect ${id}`);
  return found;
}

/**
 * What a file is, with the reason; undefined where it is nothing that we know. Content decides. Accelerate is asked before the
 * frameworks that borrow keys, and those before the dialects whose keys they borrow.
 */
export function recognise(file: SourceFile): Recognition | undefined {
  if (isTemplate(file)) return undefined;
  return (
    shardlens.recognise(file) ??
    accelerate.recognise(file) ??
    recogniseForeign(file) ??
    recogniseOurs(file) ??
    recogniseByName(file)
  );
}

/** `*` alone is an alias that is being typed. */
const NAMED = /\w/;

/** Aliases that name nothing are placeholders that a tool of the author's own fills in: no recipe as it stands. */
function isTemplate({ text, tree }: SourceFile): boolean {
  return (
    tree.format === 'yaml' &&
    tree.problems.some(
      ({ kind, start }) => kind === 'broken' && text[start] === '*' && NAMED.test(text[start + 1] ?? ''),
    )
  );
}

function recogniseOurs(file: SourceFile): Recognition | undefined {
  for (const candidate of [deepspeed, model, fsdp, trainer, cluster]) {
    const recognition = candidate.recognise(file);
    if (recognition !== undefined) return recognition;
  }
  return undefined;
}

/**
 * A file that could not be read, or only in part, under a name that only one dialect's files bear, or with that dialect's keys at
 * the beginning of its lines: said to be that dialect's, so that its faults are shown and it never looks clean.
 */
function recogniseByName(file: SourceFile): Recognition | undefined {
  const { root, problems } = file.tree;
  const isWhole = !problems.some(({ kind }) => kind === 'broken' || kind === 'limit');
  if (isWhole && root?.kind === 'mapping') return undefined;
  const name = basename(file.path);
  const names = isWhole && problems.length === 0 ? CERTAIN_NAMES : READ_NAMES;
  const found = names.find(([pattern]) => pattern.test(name));
  if (found) return { dialect: found[1], confidence: 0.4, reason: `is named ${name}; its text could not be read` };
  return !isWhole && file.tree.format === 'yaml' ? recogniseLines(file) : undefined;
}

/** Names that matched only one dialect over 446 repositories. */
const READ_NAMES: readonly (readonly [RegExp, DialectId])[] = [
  [/^ds_config.*\.json$|deepspeed.*\.json$|zero[_-]?[1-3].*\.json$/i, 'deepspeed'],
  [/^accelerate.*\.ya?ml$/i, 'accelerate'],
];

/** Narrower, for texts that are well formed and only hold no keys: an empty file, a list. */
const CERTAIN_NAMES: readonly (readonly [RegExp, DialectId])[] = [
  [/^(?:ds|deepspeed)[_-]config.*\.json$/i, 'deepspeed'],
  [/^accelerate(?:[_-]config.*)?\.ya?ml$/i, 'accelerate'],
];

/**
 * For a YAML text that the parser did not take, or only in part: what a file of the keys at the beginning of its lines would be.
 * Only the beginning of the text is looked at.
 */
function recogniseLines({ path, text }: SourceFile): Recognition | undefined {
  const keys = new Set(Array.from(text.slice(0, 65_536).matchAll(/^(\w+):/gm), ([, key = '']) => key));
  const listed = parseSource(path, Array.from(keys, (key) => `${key}: text\n`).join(''));
  const found = accelerate.recognise(listed) ?? recogniseForeign(listed) ?? trainer.recognise(listed);
  if (found?.dialect === 'foreign') return found;
  const id = found?.dialect ?? dialectOfLines(keys);
  return (
    id && { dialect: id, confidence: 0.3, reason: 'has lines that begin with its keys; its text could not be read' }
  );
}

function dialectOfLines(keys: ReadonlySet<string>): DialectId | undefined {
  if (keys.has('compute_environment') || keys.has('distributed_type')) return 'accelerate';
  return TRAINER_LINES.filter((key) => keys.has(key)).length >= 3 ? 'trainer' : undefined;
}

const TRAINER_LINES = [
  'output_dir',
  'per_device_train_batch_size',
  'gradient_accumulation_steps',
  'num_train_epochs',
  'logging_steps',
  'lr_scheduler_type',
  'save_strategy',
];

/**
 * A cheap look at a text before it is parsed: false means that {@link recognise} would find none of our dialects in it, so a walk
 * over a folder need not read it into a tree. True proves nothing.
 */
export function couldBeConfig(path: Path, text: string): boolean {
  if (TELLING_NAMES.test(basename(path))) return true;
  return TELLING_WORDS.some((word) => text.includes(word));
}

const TELLING_NAMES = /^shardlens\.json$|^ds_|deepspeed|zero|^accelerate/i;

/** Each dialect's sniffer needs at least one of these; the frequent ones stand first. */
const TELLING_WORDS: readonly string[] = [
  '_batch_size',
  'zero_optimization',
  'distributed_type',
  'compute_environment',
  'model_type',
  'architectures',
  'num_train_epochs',
  'gradient_accumulation_steps',
  'logging_steps',
  '_strategy',
  'fsdp',
  'cls_to_wrap',
  '_prefetch',
  'wrap_policy',
  'limit_all_gathers',
  'cpu_ram_efficient_loading',
  'reshard_after_forward',
  'sync_module_states',
  'use_orig_params',
  'state_dict_type',
  'offload_params',
  'fp16',
  'bf16',
  'optimizer',
  'cluster.schema.json',
  'gpusPerNode',
  '"instance"',
  '"accelerator"',
];
