// Why the worst points are as far off as they are: what was found by reading the code that was measured.
const REASONS = [];

export function reasonOf(point, what) {
  return REASONS.find((one) => one.what === what && one.id.test(point.id))?.why ?? 'not known';
}
