import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { flagWrite } from './arguments';
import { type Write, writeTo } from './move';
import { flagHindrance } from './settled';

/**
 * Writes what `accelerate launch` reads: its flag where the launch line has one, which wins, else the key of a section of
 * the Accelerate file. No write where neither is there, or the flag cannot be edited.
 */
export function launcherWrite(
  run: TrainingRun,
  section: 'deepspeed_config' | 'fsdp_config',
  key: string,
  value: unknown,
): Write | undefined {
  const { accelerate } = run.configs;
  const launch = run.launches?.[0];
  const flag = launch?.launcher === 'accelerate' ? launch.flags.get(key) : undefined;
  if (flag) return flagHindrance(run, flag) === undefined ? flagWrite(flag, value) : undefined;
  return accelerate && setting(accelerate, section) ? writeTo(accelerate, `${section}.${key}`, value) : undefined;
}
