import type { OffloadVerdict } from '../estimate/estimate';
import type { FileEdit } from '../findings';
import { type Known, known, type Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { type Setting, setting } from '../settings';
import { removeEntry, replaceValue } from '../syntax/editing';
import { parseSource } from '../syntax/parse';
import { applyEdits } from '../text/edit';

/** An offload that a key switches on, and the run without it. */
export interface OffloadChange {
  readonly what: OffloadVerdict['what'];
  /** The setting that switches it on. */
  readonly setting: Setting;
  readonly title: string;
  readonly edits: readonly FileEdit[];
  readonly run: TrainingRun;
}

const TRIED: Origin = { kind: 'assumed', because: 'tried without the offload' };

/** Each offload of the run that one edit takes out. */
export function withoutOffload(run: TrainingRun): OffloadChange[] {
  const { sharding } = run;
  if (!sharding.known) return [];
  const { value } = sharding;
  const changes: OffloadChange[] = [];
  const add = (what: OffloadVerdict['what'], fact: Known<unknown>, without: TrainingRun): void => {
    const found = switchOf(run, what);
    if (!found || !fact.known) return;
    changes.push({ what, setting: found, run: without, ...editOf(found) });
  };
  if (value.kind === 'zero') {
    if (value.offloadOptimizer.known && value.offloadOptimizer.value !== 'none') {
      const zero = { ...value, offloadOptimizer: known('none' as const, TRIED) };
      add('optimizer', value.offloadOptimizer, { ...run, sharding: known(zero, TRIED) });
    }
    if (value.offloadParam.known && value.offloadParam.value !== 'none') {
      const zero = { ...value, offloadParam: known('none' as const, TRIED) };
      add('param', value.offloadParam, { ...run, sharding: known(zero, TRIED) });
    }
  }
  if (value.kind === 'fsdp' && value.offloadParams.known && value.offloadParams.value) {
    add('fsdp', value.offloadParams, {
      ...run,
      sharding: known({ ...value, offloadParams: known(false, TRIED) }, TRIED),
    });
  }
  return changes;
}

const ZERO_KEYS = { optimizer: 'offload_optimizer', param: 'offload_param' } as const;
const FSDP_KEYS = ['cpu_offload', 'fsdp_cpu_offload', 'offload_params', 'fsdp_offload_params'] as const;

/** The key that switches an offload on, in whichever file does. */
function switchOf({ configs }: TrainingRun, what: OffloadVerdict['what']): Setting | undefined {
  const { deepspeed, accelerate, fsdp } = configs;
  if (what === 'fsdp') {
    for (const key of FSDP_KEYS) {
      const found = (fsdp && setting(fsdp, key)) ?? (accelerate && setting(accelerate, `fsdp_config.${key}`));
      if (found) return found;
    }
    return undefined;
  }
  const key = ZERO_KEYS[what];
  if (deepspeed) return setting(deepspeed, `zero_optimization.${key}`);
  return accelerate && setting(accelerate, `deepspeed_config.${key}_device`);
}

function editOf(found: Setting): { title: string; edits: readonly FileEdit[] } {
  const { config, node, path } = found;
  const key = path.split('.').pop() ?? path;
  if (node?.kind === 'scalar') {
    const off = node.scalar.type === 'bool' ? false : 'none';
    return { title: `Set ${key} to ${off}`, edits: replaceValue(config.file, node, off) };
  }
  const parent = path.includes('.') ? setting(config, path.slice(0, path.lastIndexOf('.')))?.node : config.root;
  const edits = parent?.kind === 'mapping' ? removeEntry(config.file, parent, found.entry) : [];
  return { title: `Remove ${key}`, edits };
}

/**
 * The edits of two changes together. Neighbouring entries share a comma that both removals would take: then the second is
 * made on the text that the first leaves, and both become one edit.
 */
export function editsOfBoth(a: OffloadChange, b: OffloadChange): readonly FileEdit[] {
  if (a.edits.length === 0 || b.edits.length === 0) return [];
  const touch = a.edits.some((one) =>
    b.edits.some((other) => one.path === other.path && one.start <= other.end && other.start <= one.end),
  );
  if (!touch) return [...a.edits, ...b.edits];
  const { config, path } = b.setting;
  if (config.at !== '' || a.setting.config !== config) return [];
  const file = parseSource(config.file.path, applyEdits(config.file.text, a.edits));
  const { root } = file.tree;
  const found = root?.kind === 'mapping' ? setting({ ...config, file, root }, path) : undefined;
  if (!found) return [];
  return [replacement(config.file.path, config.file.text, applyEdits(file.text, editOf(found).edits))];
}

/** One edit from one text to another: what differs between their common start and end. */
function replacement(path: string, from: string, to: string): FileEdit {
  let start = 0;
  while (start < Math.min(from.length, to.length) && from[start] === to[start]) start++;
  let tail = 0;
  while (tail < Math.min(from.length, to.length) - start && from[from.length - 1 - tail] === to[to.length - 1 - tail])
    tail++;
  return { path, start, end: from.length - tail, newText: to.slice(start, to.length - tail) };
}
