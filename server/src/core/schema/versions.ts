import type { FrameworkName, RunOutline } from '../run/training-run';

/** The version of a framework that the run states; undefined where none is stated or it is no plain version (`>=4.40`). */
export function statedVersion(run: RunOutline, framework: FrameworkName): string | undefined {
  const version = run.frameworks[framework];
  return version?.known && /^\d+(?:\.\d+)*/.test(version.value) ? version.value : undefined;
}

/** Whether `version` is `other` or later; compared number by number, so 4.9 comes before 4.57. */
export function isAtLeast(version: string, other: string): boolean {
  const a = numbersOf(version);
  const b = numbersOf(other);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): readonly number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}

/** `5.15.0` belongs to the dialect's own framework, `trl 0.21.0` and `deepspeed 0.19.8` name another. */
export function removalOf(removedIn: string): { framework: FrameworkName; version: string } {
  const [first = '', second] = removedIn.split(' ');
  return second === undefined
    ? { framework: 'transformers', version: first }
    : { framework: first === 'deepspeed' ? 'deepspeed' : 'trl', version: second };
}
