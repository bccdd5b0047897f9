import { describe, expect, it } from 'vitest';
import { codes } from '../../server/src/lsp/connection';
import { fakeCore, findingsFor } from './fake-core';
import { startEditor, until } from './memory-editor';

const URI = 'untitled:ds.json';
const mistakes = () => fakeCore((file) => findingsFor('mistake', file));

describe('superseded work', () => {
  it('answers a request that a change has overtaken with "content modified" and does not analyse its text', async () => {
    const core = mistakes();
    const editor = await startEditor(core);
    editor.open(URI, '{ "a": "mistake" }');
    const overtaken = editor.connection.sendRequest('textDocument/diagnostic', { textDocument: { uri: URI } });
    editor.type(URI, 2, 0, '{ "a": "fine" }');
    await expect(overtaken).rejects.toMatchObject({ code: codes.contentModified });
    expect(await editor.pull(URI)).toEqual([]);
    expect(core.analysed).toEqual(['{ "a": "fine" }']);
  });

  it('pushes to a client that cannot pull, with the version of the text, and never for an older one', async () => {
    const editor = await startEditor(mistakes(), { pull: false });
    editor.open(URI, '{ "a": "mistake" }');
    for (let version = 2; version <= 20; version++) editor.type(URI, version, 0, `{ "a": "mistake ${version}" }`);
    await until(() => editor.published.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(editor.published.map(({ version }) => version)).toEqual([20]);
    editor.connection.sendNotification('textDocument/didClose', { textDocument: { uri: URI } });
    await until(() => editor.published.length > 1);
    expect(editor.published[1]).toEqual({ uri: URI, diagnostics: [] });
  });

  it('says unchanged for the same text, and analyses it once for all requests', async () => {
    const core = mistakes();
    const editor = await startEditor(core);
    editor.open(URI, '{ "a": "mistake" }');
    const first = await editor.connection.sendRequest<{ resultId: string }>('textDocument/diagnostic', {
      textDocument: { uri: URI },
    });
    const second = await editor.connection.sendRequest('textDocument/diagnostic', {
      textDocument: { uri: URI },
      previousResultId: first.resultId,
    });
    await editor.connection.sendRequest('textDocument/documentSymbol', { textDocument: { uri: URI } });
    expect(second).toEqual({ kind: 'unchanged', resultId: first.resultId });
    expect(core.analysed).toHaveLength(1);
  });
});

describe('a failure of ours', () => {
  it('becomes a finding at the top of the file, never silence', async () => {
    const editor = await startEditor(
      fakeCore(() => {
        throw new Error('the core broke');
      }),
    );
    editor.open(URI, '{}');
    const [finding, ...rest] = await editor.pull(URI);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      code: 'analysis-incomplete',
      severity: 2,
      range: { start: { line: 0, character: 0 } },
    });
    expect(finding?.message).toContain('the core broke');
  });

  it('in another request is shown by the diagnostics until the text changes', async () => {
    const core = mistakes();
    const { analyze } = core;
    const broken = {
      ...core,
      analyze: (...args: Parameters<typeof analyze>) => ({
        ...analyze(...args),
        get references(): never {
          throw new Error('links broke');
        },
      }),
    };
    const editor = await startEditor(broken);
    editor.open(URI, '{ "a": "mistake" }');
    expect(await editor.connection.sendRequest('textDocument/documentLink', { textDocument: { uri: URI } })).toEqual(
      [],
    );
    expect((await editor.pull(URI)).map(({ code }) => code)).toEqual(['analysis-incomplete', 'no-mistake']);
    editor.type(URI, 2, 0, '{ "a": "mistake!" }');
    expect((await editor.pull(URI)).map(({ code }) => code)).toEqual(['no-mistake']);
    expect(editor.heard).toContain('window/logMessage');
  });
});

describe('calm', () => {
  it('holds back a new finding on the line being typed for a pause, and shows all others at once', async () => {
    const editor = await startEditor(mistakes(), { calmMilliseconds: 40 });
    editor.open(URI, '{\n"a": "fine",\n"b": "fine" }');
    expect(await editor.pull(URI)).toEqual([]);
    editor.type(URI, 2, 1, '"a": "mistake",');
    expect(await editor.pull(URI)).toEqual([]);
    expect(await editor.pull(URI)).toEqual([]);
    await until(() => editor.heard.includes('workspace/diagnostic/refresh'));
    expect(await editor.pull(URI)).toHaveLength(1);
  });

  it('holds back new findings anywhere while the text is broken', async () => {
    const editor = await startEditor(mistakes(), { calmMilliseconds: 40 });
    editor.open(URI, '{\n"a": "fine",\n"b": "fine" }');
    expect(await editor.pull(URI)).toEqual([]);
    // The mistake is on the last line, the typing on the first, where a quote does not close.
    editor.type(URI, 2, 0, '{\n"a": "mistake",\n"b": "fine" }\n"');
    expect(await editor.pull(URI)).toEqual([]);
    await until(() => editor.heard.includes('workspace/diagnostic/refresh'));
    expect(await editor.pull(URI)).toHaveLength(1);
  });

  it('keeps a finding that was there before, and lets a fixed one go at once', async () => {
    const editor = await startEditor(mistakes(), { calmMilliseconds: 10_000 });
    editor.open(URI, '{\n"a": "mistake",\n"b": "fine" }');
    expect(await editor.pull(URI)).toHaveLength(1);
    editor.type(URI, 2, 1, '"a": "mistake 2",');
    expect(await editor.pull(URI)).toHaveLength(1);
    editor.type(URI, 3, 1, '"a": "fine",');
    expect(await editor.pull(URI)).toEqual([]);
  });
});
