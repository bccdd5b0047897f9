import type { OffloadVerdict } from '../estimate/estimate';
import type { FileEdit } from '../findings';
import type { Move } from '../moves/move';
import { movesWithoutOffload } from '../moves/offload';
import { editsOf } from '../moves/written';
import type { TrainingRun } from '../run/training-run';
import { type Setting, setting } from '../settings';
import type { Workspace } from '../source';

/** An offload that a key switches on, and the run without it. */
export interface OffloadChange {
  readonly what: OffloadVerdict['what'];
  /** The setting that switches it on. */
  readonly setting: Setting;
  readonly title: string;
  readonly edits: readonly FileEdit[];
  readonly run: TrainingRun;
  readonly move: Move;
}

/** Each offload of the run that a key of a config switches on, with the edits that take it out. */
export function withoutOffload(run: TrainingRun, workspace: Workspace): OffloadChange[] {
  return movesWithoutOffload(run).flatMap(({ what, move }) => {
    const found = switchOf(run, what);
    if (!found) return [];
    const edits = editsOf(workspace, move) ?? [];
    return [{ what, setting: found, title: move.title, edits, run: move.apply(run), move }];
  });
}

/** The edits of two changes together; none where they cannot both be made. */
export function editsOfBoth(a: OffloadChange, b: OffloadChange, workspace: Workspace): readonly FileEdit[] {
  if (a.edits.length === 0 || b.edits.length === 0) return [];
  return editsOf(workspace, { writes: [...a.move.writes, ...b.move.writes] }) ?? [];
}

const ZERO_KEYS = { optimizer: 'offload_optimizer', param: 'offload_param' } as const;
const FSDP_KEYS = ['cpu_offload', 'fsdp_cpu_offload', 'offload_params', 'fsdp_offload_params'] as const;

/** The key that switches an offload on, in whichever file does. */
function switchOf({ configs }: TrainingRun, what: OffloadVerdict['what']): Setting | undefined {
  const { deepspeed, accelerate, fsdp, trainer } = configs;
  if (what === 'fsdp') {
    for (const key of FSDP_KEYS) {
      const found = (fsdp && setting(fsdp, key)) ?? (accelerate && setting(accelerate, `fsdp_config.${key}`));
      if (found) return found;
    }
    return trainer && setting(trainer, 'fsdp');
  }
  const key = ZERO_KEYS[what];
  if (deepspeed) return setting(deepspeed, `zero_optimization.${key}`);
  return accelerate && setting(accelerate, `deepspeed_config.${key}_device`);
}
