import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../server/src/core/text/edit';
import { LineIndex } from '../../server/src/core/text/lines';
import { ownCore } from '../../server/src/lsp/own-core';
import { type CalibrateAnswer, type CalibrateParams, methods } from '../../server/src/lsp/protocol';
import { uriOf } from '../../server/src/lsp/uri';
import { startEditor } from './memory-editor';

const runs = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../fixtures/runs');
const printed = ['trainer.log', 'smi-loop.csv'].map((name) => ({
  name,
  text: readFileSync(path.join(runs, name), 'utf8'),
}));

const SETTINGS = `{
  // rented
  "target": "aws",
  "targets": {
    "aws": { "hardware": "p4d.24xlarge", "nodes": 1 },
    "own": { "hardware": "p5.48xlarge", "nodes": 1 }
  }
}
`;
const FILES = {
  'train.yaml': `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
bf16: true
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
gradient_checkpointing: true
max_length: 2048
deepspeed: ds.json
`,
  'ds.json':
    '{ "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 }, "train_micro_batch_size_per_gpu": "auto" }\n',
  'shardlens.json': SETTINGS,
};

async function ask(
  params: Omit<CalibrateParams, 'uri'>,
  name = 'train.yaml',
): Promise<{ answer: CalibrateAnswer; folder: string }> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'shardlens-')));
  for (const [file, text] of Object.entries(FILES)) writeFileSync(path.join(folder, file), text);
  const editor = await startEditor(ownCore(), { folders: [uriOf(folder)] });
  const uri = uriOf(path.join(folder, name));
  const answer = await editor.connection.sendRequest<CalibrateAnswer>(methods.calibrate, { uri, ...params });
  return { answer, folder };
}

/** shardlens.json after the change. */
function settingsAfter({ change }: CalibrateAnswer): string {
  if (!change || 'problem' in change) throw new Error('a change is expected');
  const lines = new LineIndex(SETTINGS);
  const edits = change.edits.map(({ range, newText }) => ({
    start: lines.offsetAt(range.start),
    end: lines.offsetAt(range.end),
    newText,
  }));
  return applyEdits(SETTINGS, edits);
}

describe('shardlens/calibrate', () => {
  it('sets what the logs measured beside what is predicted, in words too, and writes nothing unasked', async () => {
    const { answer } = await ask({ printed });
    expect(answer.change).toBeNull();
    const words = answer.figures.map((figure) => figure.words);
    expect(words.map(({ name }) => name)).toEqual(expect.arrayContaining(['driver', 'step']));
    for (const figure of answer.figures) {
      expect(figure.words.measured).toMatch(/^(≥ )?[\d.]+ (GiB|s)$/);
      expect(figure.words.band).toMatch(/^[\d.]+ (GiB|s) to [\d.]+ (GiB|s)$/);
      expect(figure.measured.line).toBeGreaterThan(0);
    }
  });

  it('gives the edits that keep it, and all else of shardlens.json', async () => {
    const { answer, folder } = await ask({ printed, write: true });
    expect(answer.change).toMatchObject({ uri: uriOf(path.join(folder, 'shardlens.json')), exists: true });
    const text = settingsAfter(answer);
    expect(text).toContain('  // rented\n  "target": "aws",');
    expect(text).toMatch(/"measured": \{\s*"train\.yaml, micro-batch 1 x 2048 tokens \([0-9a-f]+\)"/);
    expect(text).not.toContain('"target": "own"');
  });

  it('holds the logs against the target they are said to be of, and notes it', async () => {
    const [here, there] = [await ask({ printed }), await ask({ printed, target: 'own', write: true })];
    const seconds = ({ figures }: CalibrateAnswer) => figures.find(({ figure }) => figure === 'seconds')?.predicted;
    expect(seconds(there.answer)?.value).toBeLessThan(seconds(here.answer)?.value ?? 0);
    expect(settingsAfter(there.answer)).toContain('"target": "own"');
    expect(settingsAfter(there.answer)).toMatch(/"gpu": "H100"/);
  });

  it('says what could not be read, and offers no change then', async () => {
    const { answer } = await ask({ printed: [{ name: 'x.log', text: 'nothing of use\n' }], write: true });
    expect(answer).toMatchObject({ figures: [], change: null });
  });

  it('is null for a file that describes no run', async () => {
    expect((await ask({ printed }, 'shardlens.json')).answer).toBeNull();
  });
});
