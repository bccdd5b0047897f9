import type { FrameworkName, RunOutline } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';

/**
 * How loud a check is reported that came with a release: an error where the run states that release or a later one, a warning
 * where it states none, and nothing where it states an earlier one.
 */
export function severitySince(
  run: RunOutline,
  framework: FrameworkName,
  release: string,
): 'error' | 'warning' | undefined {
  const stated = statedVersion(run, framework);
  if (stated === undefined) return 'warning';
  return isAtLeast(stated, release) ? 'error' : undefined;
}
