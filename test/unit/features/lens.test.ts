import { describe, expect, it } from 'vitest';
import { lenses } from '../../../server/src/core/features/lens';
import { analysisOf, catalogs, DS, FILES, SETTINGS, TRAIN } from './run-of';

describe('lenses', () => {
  it('say model, hardware, memory and step time, and offer to change them', () => {
    const items = lenses(analysisOf('train.yaml'), catalogs);
    expect(items[0]?.title).toMatch(
      /^8\.0 B · 4 × A100-40GB \(p4d\.24xlarge\) · [\d.]+ of 39\.4 GiB · ≈ [\d.]+ s\/step$/,
    );
    expect(items.map(({ action }) => action)).toEqual(['breakdown', 'fit', 'pick-target', 'breakdown']);
    expect(items[1]?.title).toBe('Make it faster');
  });

  it('offer to make fit what does not surely fit', () => {
    const files = { ...FILES, 'train.yaml': TRAIN.replace(/(per_device_train_batch_size: )\d+/, '$1512') };
    expect(lenses(analysisOf('train.yaml', files), catalogs)[1]).toMatchObject({ title: 'Make it fit', action: 'fit' });
  });

  it('show what has changed since the file was saved', () => {
    const saved = analysisOf('train.yaml', {
      ...FILES,
      'train.yaml': TRAIN.replace(': true\ndeepspeed', ': false\ndeepspeed'),
    });
    const [first] = lenses(analysisOf('train.yaml'), catalogs, saved.estimate());
    expect(first?.title).toMatch(/ · [\d.]+ → [\d.]+ of 39\.4 GiB · /);
    const same = lenses(analysisOf('train.yaml'), catalogs, analysisOf('train.yaml').estimate());
    expect(same[0]?.title).not.toContain('→');
  });

  it('say what is missing and offer to set it', () => {
    const items = lenses(analysisOf('ds.json', { 'ds.json': DS }), catalogs);
    expect(items.map(({ title }) => title)).toEqual([
      'model unknown · hardware unknown',
      'Set model',
      'Choose hardware',
      'Set sequence length',
    ]);
  });

  it('show memory against the common GPUs when the hardware is not known', () => {
    const files = { ...FILES, 'shardlens.json': SETTINGS.replace('"hardware": "p4d.24xlarge", ', '') };
    expect(lenses(analysisOf('train.yaml', files), catalogs)[0]?.title).toMatch(
      /^8\.0 B · 4 GPUs of unknown kind · [\d.]+ GiB per GPU: fits \S+ and larger$/,
    );
    const unsized = { ...files, 'shardlens.json': files['shardlens.json'].replace(/,?\s*"sequenceLength": \d+/, '') };
    expect(lenses(analysisOf('train.yaml', unsized), catalogs)[0]?.title).toMatch(
      /GiB per GPU: would fit \S+ and larger \(the sequence length is not known\)$/,
    );
    const huge = { ...files, 'train.yaml': TRAIN.replace('meta-llama/Meta-Llama-3-8B', 'deepseek-ai/DeepSeek-V3') };
    expect(lenses(analysisOf('train.yaml', huge), catalogs)[0]?.title).toMatch(/fits no common GPU|model unknown/);
  });

  it('are none for shardlens.json and files of others', () => {
    expect(lenses(analysisOf('shardlens.json'), catalogs)).toEqual([]);
    expect(lenses(analysisOf('x.json', { 'x.json': '{ "a": 1 }' }), catalogs)).toEqual([]);
  });
});
