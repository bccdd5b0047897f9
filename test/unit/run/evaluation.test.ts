import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const run = (text: string) => join({ 'train.yaml': trainer(`eval_strategy: epoch\n${text}`) }).run;

describe('what evaluation generates', () => {
  it('is read from the arguments of Seq2SeqTrainer', () => {
    const { evalGeneration: it } = run(
      'predict_with_generate: true\ngeneration_max_length: 142\ngeneration_num_beams: 4\n',
    );
    expect([told(it?.length), told(it?.beams)]).toEqual([142, 4]);
    const open = run('predict_with_generate: true\ngeneration_max_length: null\n').evalGeneration;
    expect(told(open?.length)).toMatch(/^unknown: generation_max_length is not set/);
  });

  it('is nothing without it, or where the loss alone is asked for', () => {
    expect(run('generation_num_beams: 4\n').evalGeneration).toBeUndefined();
    expect(run('predict_with_generate: true\nprediction_loss_only: true\n').evalGeneration).toBeUndefined();
  });

  it('leaves tokens in place of logits', () => {
    expect(told(run('metric_for_best_model: rouge1\n').evalLogits?.kept)).toBe(true);
    expect(told(run('metric_for_best_model: rouge1\npredict_with_generate: true\n').evalLogits?.kept)).toBe(false);
  });
});
