import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { hover } from '../../../server/src/core/features/hover';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** Hover at `⟦` in the first file. */
function at(files: Record<string, string>): string | undefined {
  const [name = '', marked = ''] = Object.entries(files)[0] ?? [];
  const offset = marked.indexOf('⟦');
  const workspace = memoryWorkspace({ ...files, [name]: marked.replace('⟦', '') });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  return hover(analyze(file, { workspace, catalogs }), offset, catalogs)?.markdown;
}

describe('hover', () => {
  it('tells meaning, range, default and source of a key', () => {
    const text = at({ 'ds.json': '{ "train_batch_size": 8, "zero_optimization": { "⟦stage": 3 } }' });
    expect(text).toContain('optimizer states');
    expect(text).toContain('Default: `0`');
    expect(text).toContain('one of 0, 1, 2, 3');
    expect(text).toContain('deepspeed/');
  });

  it('tells the size of a bucket in bytes', () => {
    const text = at({
      'ds.json':
        '{ "train_batch_size": 8, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "reduce_bucket_size": ⟦5e8 } }',
    });
    expect(text).toContain('500,000,000 elements, 954 MiB at 2 bytes each');
  });

  it('tells what "auto" becomes and from where', () => {
    const text = at({
      'ds.json': '{ "gradient_accumulation_steps": "⟦auto", "zero_optimization": { "stage": 2 } }',
      'train.yaml':
        'output_dir: out\ndeepspeed: ds.json\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 4\nlearning_rate: 2.0e-5\nbf16: true\n',
    });
    expect(text).toContain('"auto" becomes `4`');
    expect(text).toContain('train.yaml:4');
  });

  it('reads a section of a Trainer file in its own dialect', () => {
    const text = at({
      'train.yaml':
        'output_dir: out\nper_device_train_batch_size: 2\nlearning_rate: 2.0e-5\nbf16: true\ngradient_accumulation_steps: 1\nfsdp: true\nfsdp_config:\n  ⟦version: 2\n',
    });
    expect(text).toContain('FSDP version');
  });

  it('says nothing about an unknown key, white space, or a file of another tool', () => {
    expect(at({ 'ds.json': '{ "train_batch_size": 8, "zero_optimization": { "⟦nope": 3 } }' })).toBeUndefined();
    expect(at({ 'ds.json': '{ ⟦   "train_batch_size": 8, "zero_optimization": {} }' })).toBeUndefined();
    expect(at({ 'x.json': '{ "⟦name": "x" }' })).toBeUndefined();
  });
});
