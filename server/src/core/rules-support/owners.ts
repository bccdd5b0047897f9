import type { RunOutline } from '../run/training-run';
import { setting } from '../settings';

/** Whether the DeepSpeed file of the run brings its own optimizer or scheduler: then the Trainer's is not built. */
export function isBuiltByDeepSpeed(run: RunOutline, what: 'optimizer' | 'scheduler'): boolean {
  const { deepspeed } = run.configs;
  return deepspeed !== undefined && setting(deepspeed, what) !== undefined;
}
