import { describe, expect, it } from 'vitest';
import { fixAll, replaceDeprecated } from '../../../server/src/core/rewrite/actions';
import { applied, project } from './rewriting';

const behind = (files: Readonly<Record<string, string>>, rewrite: typeof fixAll) => {
  const { analysis, input } = project(files);
  return applied(files, rewrite(analysis, input));
};

describe('fixing all', () => {
  it('goes on where one fix makes room for another', () => {
    const files = {
      'accelerate.yaml':
        '# shardlens-ignore: null-section, broken-tooth old\ndistributed_type: FSDP\nmixed_precision: bf16\nnum_machines: 1\nnum_processes: 8\n',
    };
    expect(behind(files, fixAll)['accelerate.yaml']).toBe(files['accelerate.yaml'].split('\n').slice(1).join('\n'));
  });

  it('changes the files that the fixes name, and those only', () => {
    const files = {
      'train.yaml':
        'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\n',
      'ds.json':
        '{ "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
    };
    expect(behind(files, fixAll)).toEqual({ ...files, 'ds.json': files['ds.json'].replace(': 4', ': "auto"') });
  });

  it('does nothing where there is nothing to do', () => {
    const { analysis, input } = project({ 'ds.json': '{ "train_batch_size": 8, "bf16": { "enabled": true } }' });
    expect(fixAll(analysis, input)).toEqual([]);
  });
});

describe('replacing deprecated keys', () => {
  const files = {
    'ds.json':
      '{\n  "train_micro_batch_size_per_gpu": 1,\n  "bfloat16": { "enabled": true },\n  "zero_optimization": {\n    "stage": 3,\n    "cpu_offload": true,\n    "stage3_gather_fp16_weights_on_model_save": true\n  },\n  "optimizer": { "type": "AdamW", "params": { "lr": 1e-5, "max_grad_norm": 1.0 } }\n}\n',
  };

  it('gives each its new name, also where the value moves', () => {
    const text = behind(files, replaceDeprecated)['ds.json'] ?? '';
    expect(JSON.parse(text)).toEqual({
      train_micro_batch_size_per_gpu: 1,
      bf16: { enabled: true },
      zero_optimization: {
        stage: 3,
        offload_optimizer: { device: 'cpu' },
        stage3_gather_16bit_weights_on_model_save: true,
      },
      optimizer: { type: 'AdamW', params: { lr: 1e-5 } },
      gradient_clipping: 1,
    });
    const { analysis, input } = project({ 'ds.json': text });
    expect(replaceDeprecated(analysis, input)).toEqual([]);
  });
});
