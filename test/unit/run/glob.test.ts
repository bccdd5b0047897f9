import { expect, it } from 'vitest';
import { compileGlob } from '../../../server/src/core/run/glob';

it.each([
  ['train.yaml', 'train.yaml', true],
  ['train.yaml', 'a/train.yaml', false],
  ['./train.yaml', 'train.yaml', true],
  ['**/train.yaml', 'train.yaml', true],
  ['**/train.yaml', 'a/b/train.yaml', true],
  ['**/train.yaml', 'a/xtrain.yaml', false],
  ['configs/70b/**', 'configs/70b/a/ds.json', true],
  ['configs/70b/**', 'configs/7b/ds.json', false],
  ['configs/*/ds.json', 'configs/a/ds.json', true],
  ['configs/*/ds.json', 'configs/a/b/ds.json', false],
  ['zero?.json', 'zero3.json', true],
  ['zero?.json', 'zero/.json', false],
  ['*.{json,yaml}', 'a.yaml', true],
  ['*.{json,yaml}', 'a.toml', false],
  ['a{.json', 'a{.json', true],
  ['a.json', 'aXjson', false],
  ['[ab].json', 'a.json', false],
])('%s matches %s: %s', (pattern, path, expected) => {
  expect(compileGlob(pattern)(path)).toBe(expected);
});

it('stays fast on patterns made to be slow', () => {
  const match = compileGlob(`${'**/'.repeat(40)}${'*a'.repeat(40)}b`);
  const start = performance.now();
  expect(match('a/'.repeat(200) + 'a'.repeat(500))).toBe(false);
  expect(performance.now() - start).toBeLessThan(500);
});
