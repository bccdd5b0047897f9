import { describe, expect, it } from 'vitest';
import { join, source, told, trainer } from './joining';

const of = (text: string) => join({ 'train.yaml': trainer(text) }).run.preference;

const under = (trl: string, text: string) =>
  join({ 'train.yaml': trainer(text), 'requirements.txt': `trl==${trl}\n` }).run.preference;

describe('what a preference trainer keeps', () => {
  it('is a reference model for DPO, unless its log-probabilities are computed before or adapters are trained', () => {
    const dpo = 'f_divergence_type: reverse_kl\n';
    expect(told(of(dpo)?.reference)).toBe(true);
    expect(of(dpo)?.sequencesPerSample).toBe(2);
    expect(of(`${dpo}precompute_ref_log_probs: true\n`)?.reference).toMatchObject({ known: true, value: false });
    expect(of(`${dpo}use_peft: true\nlora_r: 16\n`)?.reference).toMatchObject({ known: true, value: false });
  });

  it('is run in each step, unless its log-probabilities were computed before', () => {
    const dpo = 'f_divergence_type: reverse_kl\nuse_peft: true\nlora_r: 16\n';
    expect(told(of(dpo)?.precomputed)).toBe(false);
    expect(told(of(`${dpo}precompute_ref_log_probs: true\n`)?.precomputed)).toBe(true);
    expect(of('num_generations: 8\n')?.precomputed).toBeUndefined();
  });

  it('is none for GRPO without a penalty, which is the default', () => {
    const grpo = 'num_generations: 8\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 2\n';
    expect(under('1.16.0', grpo)?.reference).toMatchObject({ known: true, value: false });
    expect(under('0.19.0', grpo)?.reference).toMatchObject({ known: true, value: false });
    expect(under('0.18.2', grpo)?.reference).toMatchObject({ known: true, value: true });
    expect(told(of(grpo)?.reference)).toMatch(/^unknown: beta is 0.04 before TRL 0.19/);
    expect(of(`${grpo}beta: 0.04\n`)?.reference).toMatchObject({ known: true, value: true });
    expect(of(grpo)?.generation).toMatchObject({
      engine: { value: 'transformers' },
      completions: { value: 8 },
      completionTokens: { value: 512 },
    });
    expect(under('1.9.0', grpo)?.generation?.completionTokens).toMatchObject({ value: 256 });
  });

  it('takes log-probabilities in chunks since TRL 1.15, and before only where Liger is asked for', () => {
    const dpo = 'f_divergence_type: reverse_kl\n';
    const fused = (trl: string, more = '') => told(under(trl, dpo + more)?.fusedLogProbabilities);
    expect([fused('1.16.0'), fused('1.15.0'), fused('1.14.0'), fused('0.26.2')]).toEqual([true, true, false, false]);
    expect([fused('1.14.0', 'use_liger_kernel: true\n'), fused('0.24.0', 'use_liger_kernel: true\n')]).toEqual([
      true,
      false,
    ]);
    expect(fused('0.24.0', 'use_liger_loss: true\n')).toBe(true);
    expect(told(of(dpo)?.fusedLogProbabilities)).toMatch(/^unknown/);
  });

  it('is vLLM on the same GPUs since TRL 1.0, where it is used and nothing else is said', () => {
    const text = 'use_vllm: true\nvllm_gpu_memory_utilization: 0.5\n';
    expect(under('1.2.0', text)?.generation).toMatchObject({
      engine: { value: 'colocate' },
      vllmShare: { value: 0.5 },
    });
    expect(source(under('1.2.0', text)?.generation?.engine)).toBe('default of trl 1.16.0');
    expect(under('0.26.2', text)?.generation?.engine).toMatchObject({ value: 'server' });
    expect(of(text)?.generation?.engine).toMatchObject({ known: false });
    expect(of(`${text}vllm_mode: colocate\n`)?.generation?.engine).toMatchObject({ value: 'colocate' });
    expect(of('use_vllm: true\nvllm_mode: server\n')?.generation?.engine).toMatchObject({ value: 'server' });
  });

  it('is nothing for other methods', () => {
    expect(of('packing: true\n')).toBeUndefined();
  });
});
