import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const ACCELERATE = 'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\n';

describe('what a template fills in', () => {
  it.each(['attn_implementation: "{{ attention }}"\n', `use_flash_attention_2: "\${FLASH}"\n`])(
    'leaves the attention open: %j',
    (more) => {
      expect(told(join({ 'train.yaml': trainer(more) }).run.attention)).toMatch(/^unknown: .*filled in/);
    },
  );

  it.each([
    { 'train.yaml': trainer('torch_compile: "{{ compile }}"\n'), 'accelerate.yaml': ACCELERATE },
    { 'accelerate.yaml': `${ACCELERATE}dynamo_config:\n  dynamo_backend: "\${BACKEND}"\n` },
  ])('leaves open whether blocks are compiled: %j', (files) => {
    expect(told(join(files).run.torchCompile)).toMatch(/^unknown: .*filled in/);
  });
});

describe('logits of evaluation', () => {
  const kept = (more: string) => {
    const { evalLogits } = join({ 'train.yaml': trainer(`eval_strategy: epoch\n${more}`) }).run;
    return [told(evalLogits?.kept), told(evalLogits?.movedAfter)];
  };

  it.each([
    ['prediction_loss_only: true\n', false],
    ['batch_eval_metrics: true\n', false],
    ['metric_for_best_model: accuracy\n', true],
    ['metric_for_best_model: eval_loss\n', expect.stringMatching(/^unknown: the script/)],
    ['', expect.stringMatching(/^unknown: the script/)],
    ['prediction_loss_only: "{{ only }}"\n', expect.stringMatching(/^unknown: .*filled in/)],
  ])('are kept where only compute_metrics can have made what the file asks for: %j', (more, expected) => {
    expect(kept(more)[0]).toEqual(expected);
  });

  it('go to the host after the batches that the file names', () => {
    expect(kept('eval_accumulation_steps: 4\n')[1]).toBe(4);
    expect(kept('eval_accumulation_steps: null\n')[1]).toMatch(/^unknown/);
  });
});

describe("TRL's defaults by release", () => {
  const run = (trl: string, more = '') =>
    join({ 'train.yaml': trainer(`packing: true\n${more}`), 'requirements.txt': `trl==${trl}\n` }).run;

  it('recompute since 0.22 and compute in bf16 since 0.19', () => {
    expect(['0.21.0', '0.22.0', '1.16.0'].map((trl) => told(run(trl).checkpointing))).toEqual(['none', 'full', 'full']);
    const weights = 'dtype: bfloat16\n';
    expect(['0.18.2', '0.19.0'].map((trl) => told(run(trl, weights).precision.mode))).toEqual(['pure', 'autocast']);
  });

  it('make the loss of fine-tuning from all logits up to 1.6, in chunks by default since 1.7, and always since 1.15', () => {
    const fused = (trl: string, more = '') => told(run(trl, more).fusedLoss);
    expect(['1.6.0', '1.7.0', '1.14.0', '1.15.0'].map((trl) => fused(trl))).toEqual([false, true, true, true]);
    expect(['1.14.0', '1.16.0'].map((trl) => fused(trl, 'loss_type: nll\n'))).toEqual([false, true]);
    expect(told(join({ 'train.yaml': trainer('packing: true\nloss_type: nll\n') }).run.fusedLoss)).toMatch(/^unknown/);
  });
});
