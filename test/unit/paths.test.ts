import { describe, expect, test } from 'vitest';
import {
  basename,
  dirname,
  extension,
  isAbsolute,
  isInside,
  join,
  normalise,
  relativeTo,
} from '../../server/src/core/paths';

test.each([
  ['/a/b', 'c.json', '/a/b/c.json'],
  ['/a/b', '../c.json', '/a/c.json'],
  ['/a/b', './x/../c.json', '/a/b/c.json'],
  ['/a', '../../../c.json', '/c.json'],
  ['/a', '/c.json', '/c.json'],
  ['C:/a', '..\\c.json', 'C:/c.json'],
  ['C:/a', 'D:/c.json', 'D:/c.json'],
  ['vscode-vfs://github/o/r', '../s/c.json', 'vscode-vfs://github/o/s/c.json'],
  ['vscode-vfs://github/o', '../../../c.json', 'vscode-vfs://github/c.json'],
  ['', 'c.json', 'c.json'],
  ['a', '../../c.json', '../c.json'],
  ['/', 'c.json', '/c.json'],
])('join(%j, %j) is %j', (base, relative, expected) => {
  expect(join(base, relative)).toBe(expected);
});

test.each([
  ['/a/b/c.json', '/a/b', 'c.json', '.json'],
  ['/c.json', '/', 'c.json', '.json'],
  ['/', '/', '', ''],
  ['C:/c.YAML', 'C:/', 'c.YAML', '.yaml'],
  ['xy://h/c', 'xy://h/', 'c', ''],
  ['memfs://h/c', 'memfs://h/', 'c', ''],
  ['c.tar.gz', '', 'c.tar.gz', '.gz'],
  ['/a/.hidden', '/a', '.hidden', ''],
])('%j is in %j and named %j with ending %j', (path, folder, name, ending) => {
  expect([dirname(path), basename(path), extension(path)]).toEqual([folder, name, ending]);
});

test.each([
  ['/a/b', '/a/b/c', 'c'],
  ['/a/b', '/a/c/d', '../c/d'],
  ['/a/b', '/a/b', ''],
  ['/', '/a', 'a'],
  ['C:/a', '/a', '/a'],
  ['x-y://h/a', 'x-y://h/b', '../b'],
])('from %j, %j is %j', (folder, path, expected) => {
  expect(relativeTo(folder, path)).toBe(expected);
});

describe('isInside', () => {
  test.each([
    ['/a', '/a/b', true],
    ['/a', '/a', true],
    ['/a', '/ab', false],
    ['/', '/a', true],
    ['/a/b', '/a', false],
  ])('%j holds %j: %s', (folder, path, expected) => {
    expect(isInside(folder, path)).toBe(expected);
  });
});

test('what is absolute', () => {
  expect(['/a', 'C:/a', 'C:\\a', 'x-y://h/a', 'a/b', './a', ''].map(isAbsolute)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('normalise', () => {
  expect(normalise('/a//b/./c/')).toBe('/a/b/c');
});
