import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../server/src/core/estimate/memory/index';
import { join, told, trainer } from './joining';

const MODEL = 'model_name_or_path: meta-llama/Meta-Llama-3-8B\nload_in_4bit: true\nuse_peft: true\nbf16: true\n';
const TRAINER = 'model_name_or_path: meta-llama/Meta-Llama-3-8B\nload_in_4bit: true\nlora_r: 16\nbf16: true\n';
const TRL = `${MODEL}max_length: 1024\npacking: true\n`;

function run(text: string, pins: string) {
  return join(
    { 'train.yaml': trainer(text), 'requirements.txt': pins },
    { from: 'flag', sequenceLength: 1024, hardware: 'g5.xlarge' },
  ).run;
}

describe('weights that bitsandbytes does not quantise', () => {
  it('are float16 before transformers 5, and of the checkpoint since', () => {
    expect(told(run(TRAINER, 'transformers==4.57.6\n').precision.weights)).toBe('fp16');
    expect(told(run(TRAINER, 'transformers==5.23.0\n').precision.weights)).toBe('bf16');
    expect(told(run(TRAINER.replace('load_in_4bit: true\n', ''), 'transformers==4.57.6\n').precision.weights)).toBe(
      'fp32',
    );
    // What is written counts in every release.
    expect(told(run(`${TRAINER}torch_dtype: float32\n`, 'transformers==4.57.6\n').precision.weights)).toBe('fp32');
  });

  it('are fp32 by default with TRL since 0.27, and had no type before', () => {
    expect(told(run(TRL, 'trl==1.16.0\ntransformers==5.23.0\n').precision.weights)).toBe('fp32');
    expect(told(run(TRL, 'trl==0.26.2\ntransformers==4.57.6\n').precision.weights)).toBe('fp16');
    expect(
      told(run(TRL.replace('load_in_4bit: true\n', ''), 'trl==0.26.2\ntransformers==4.57.6\n').precision.weights),
    ).toBe('fp32');
    expect(
      told(run(TRL.replace('load_in_4bit: true\n', ''), 'trl==0.26.2\ntransformers==5.23.0\n').precision.weights),
    ).toBe('bf16');
  });

  it('may be made fp32 by a script, and were by TRL with 8 bits up to 0.25', () => {
    const fate = (text: string, pins: string) => {
      const { quantizedTraining: it } = run(text, pins);
      return [told(it?.restToFp32), told(it?.halfAdapters)];
    };
    expect(fate(TRAINER, '')).toEqual([expect.stringMatching(/^unknown: the script may call/), false]);
    expect(fate(TRL, 'trl==1.16.0\n')).toEqual([false, true]);
    expect(fate(TRL, 'trl==0.25.1\n')).toEqual([false, false]);
    expect(fate(TRL.replace('4bit', '8bit'), 'trl==0.25.1\n')).toEqual([true, false]);
    expect(fate(TRL, '')).toEqual([false, expect.stringMatching(/^unknown/)]);
    expect(run('bf16: true\n', '').quantizedTraining).toBeUndefined();
  });
});

describe('memory of a quantised model', () => {
  const HEAD_AND_EMBEDDING = 2 * 128256 * 4096;
  const term = (text: string, pins: string, id: string) =>
    estimateMemory(run(text, pins)).memory?.phases.load?.terms.find((it) => it.id === id);

  it('has embedding and head in 16 bits, and says what would make them fp32', () => {
    const weights = term(TRAINER, 'transformers==4.57.6\n', 'parameters.weights')?.bytes ?? 0;
    expect(Math.abs(weights / (2 * HEAD_AND_EMBEDDING) - 1)).toBeLessThan(0.001);
    const { memory, assumptions } = estimateMemory(run(TRAINER, 'transformers==4.57.6\n'));
    expect(assumptions).toContainEqual(
      expect.objectContaining({ what: 'weights that are not quantised', value: '16-bit' }),
    );
    const sure = estimateMemory({ ...run(TRAINER, 'transformers==4.57.6\n'), quantizedTraining: undefined }).memory;
    expect((memory?.high ?? 0) - (sure?.high ?? 0)).toBeGreaterThan(2 * HEAD_AND_EMBEDDING);
    expect(memory?.value).toBe(sure?.value);
  });

  it('has adapters in bf16 with TRL, in fp32 with PEFT alone', () => {
    const adapters = (pins: string) => term(TRL, pins, 'parameters.adapters');
    expect(adapters('trl==0.25.1\n')?.bytes).toBe(2 * (adapters('trl==1.16.0\n')?.bytes ?? 0));
    expect(adapters('trl==1.16.0\n')?.source).toContain('sft_trainer.py');
  });
});
