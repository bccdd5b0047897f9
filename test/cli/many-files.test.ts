import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const FOLDERS = 11;
const EACH = 200;

beforeAll(async () => {
  await bundle();
}, 60_000);

describe('check of thousands of files', () => {
  it('gives on several threads what it gives on one, in the same order', async () => {
    const files: Record<string, string> = {};
    for (let folder = 0; folder < FOLDERS; folder++) {
      for (let i = 0; i < EACH; i++) {
        const micro = i % 3 === 0 ? '"one"' : '1';
        files[`${String(folder).padStart(2, '0')}/ds_${i}.json`] =
          `{ "train_micro_batch_size_per_gpu": ${micro}, "zero_optimization": { "stage": 2 } }`;
      }
    }
    const root = folderWith(files);
    const whole = JSON.parse((await shardlens(root, ['check', '--format', 'json'])).out);
    expect(whole.files).toHaveLength(FOLDERS * EACH);
    expect(whole.summary.errors + whole.summary.warnings).toBeGreaterThan(0);
    const parts = [];
    for (let folder = 0; folder < FOLDERS; folder++) {
      const name = String(folder).padStart(2, '0');
      parts.push(...JSON.parse((await shardlens(root, ['check', name, '--format', 'json'])).out).files);
    }
    expect(whole.files).toEqual(parts);
  }, 120_000);
});
