import { describe, expect, it } from 'vitest';
import { plain } from '../../../server/src/lsp/requests/completion';
import { pathOf, uriOf } from '../../../server/src/lsp/uri';

describe('a snippet for a client that has none', () => {
  // § stands for $, which the linter takes for a forgotten template string.
  it.each([
    ['"stage": §{1:2}', '"stage": 2'],
    ['"overlap_comm": §{1|true,false|},', '"overlap_comm": true,'],
    ['"x": §{1|a\\,b,c|}', '"x": a,b'],
    ['{\n  $1\n}', '{\n  \n}'],
    ['"a": "§{1:x\\}y}"$0', '"a": "x}y"'],
    ['"cost": \\$5', '"cost": $5'],
  ])('%s', (snippet, text) => {
    expect(plain(snippet.replaceAll('§', '$'))).toBe(text);
  });
});

describe('paths and URIs', () => {
  it.each([
    ['/data/a b/ds,1.json', 'file:///data/a%20b/ds%2C1.json'],
    ['vscode-vfs://github/o/r/ds.json', 'vscode-vfs://github/o/r/ds.json'],
    ['untitled:Untitled-1', 'untitled:Untitled-1'],
  ])('%s', (path, uri) => {
    expect(uriOf(path)).toBe(uri);
    expect(pathOf(uri)).toBe(path);
  });
});
