import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PageData } from '../../server/src/core/features/breakdown-page';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const MARKUP = '</script><script>alert(1)</script>';

let folder: string;
let server: string;

beforeAll(async () => {
  server = await bundle();
  folder = folderWith({
    'ds.json':
      '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
    'shardlens.json':
      '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge", "nodes": 2 } } }',
    'odd/shardlens.json': '{}',
    'odd/train.yaml': `model_name_or_path: '${MARKUP}'\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 4\nlearning_rate: 1.0e-5\nnum_train_epochs: 1\nbf16: true\n`,
  });
}, 60_000);

function dataOf(page: string): PageData {
  const [, text = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/.exec(page) ?? [];
  return JSON.parse(text) as PageData;
}

describe('estimate --format html', () => {
  it('prints one page that names nothing outside itself, and lets only its own script and style run', async () => {
    const { status, out } = await shardlens(folder, ['estimate', 'ds.json', '--format', 'html']);
    expect(status).toBe(0);
    expect(out).toMatch(/^<!DOCTYPE html>/);
    expect(out).not.toMatch(/<(?:link|img|iframe|base)\b|<script[^>]*\ssrc=|@import|url\(["']?http/);
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(out) ?? [];
    const [, script = ''] = /<script>(.*)<\/script>\n<\/body>/s.exec(out) ?? [];
    const hash = (text: string) => `&#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`;
    expect(out).toContain(`default-src &#39;none&#39;; script-src ${hash(script)}; style-src ${hash(style)};`);
    expect(out).not.toContain('unsafe-');
  });

  it('holds the figures that the text has, and where the run stops scaling', async () => {
    const { out } = await shardlens(folder, ['estimate', 'ds.json', '--format', 'html']);
    const { view } = dataOf(out);
    const json = await shardlens(folder, ['estimate', 'ds.json', '--format', 'json']);
    const [file] = JSON.parse(json.out).files;
    expect(Math.round(view?.memory?.value ?? 0)).toBe(file.estimate.memoryPerGpu.bytes);
    expect(view?.step?.seconds).toBe(file.estimate.step.seconds);
    expect(view?.scaling?.growing.points.map(({ nodes }) => nodes)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    const text = await shardlens(folder, ['estimate', 'ds.json']);
    expect(text.out).toContain(view?.summary);
  });

  it('names files, but not where they lie', async () => {
    const { out } = await shardlens(folder, ['estimate', 'ds.json', '--format', 'html']);
    expect(out).not.toContain(folder);
    expect(dataOf(out).view?.facts.map(({ place }) => place?.path)).toContain('shardlens.json');
  });

  it('keeps what a config holds as text', async () => {
    const { out } = await shardlens(folder, ['estimate', 'odd/train.yaml', '--format', 'html']);
    expect(out).not.toContain(MARKUP);
    expect(JSON.stringify(dataOf(out))).toContain(MARKUP);
  });

  it('is a format of estimate only', async () => {
    const { status, err } = await shardlens(folder, ['fit', 'ds.json', '--format', 'html']);
    expect(status).toBe(2);
    expect(err).toContain('--format is one of text, json');
  });

  it('says what is missing where the bundle stands alone', async () => {
    const alone = path.join(mkdtempSync(path.join(tmpdir(), 'shardlens-alone-')), 'shardlens.js');
    copyFileSync(server, alone);
    const { status, stderr } = spawnSync(process.execPath, [alone, 'estimate', 'ds.json', '--format', 'html'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('breakdown.css, which is not beside shardlens.js');
  });
});
