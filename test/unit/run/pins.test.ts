import { expect, it } from 'vitest';
import { findPins } from '../../../server/src/core/run/pins';

it('reads no list of requirements as long as only data are, and lock files of any length', () => {
  const filler = '# a line\n'.repeat(40_000);
  const pinned = (name: string, text: string) =>
    findPins(`/workspace/${name}`, text, ['transformers']).transformers?.known;
  expect(pinned('requirements.txt', 'transformers==5.1.0\n')).toBe(true);
  expect(pinned('requirements.txt', `transformers==5.1.0\n${filler}`)).toBeUndefined();
  expect(pinned('uv.lock', `name = "transformers"\nversion = "5.1.0"\n${filler}`)).toBe(true);
});
