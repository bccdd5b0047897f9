import type { Known } from '../../run/known';

/** The value where it is known; the formulas then fall back on the framework's default. */
export function optional<T>(value: Known<T>): T | undefined {
  return value.known ? value.value : undefined;
}
