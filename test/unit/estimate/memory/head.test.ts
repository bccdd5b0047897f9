import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { describeModel } from '../../../../server/src/core/models/describe';
import { unknown } from '../../../../server/src/core/run/known';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { loadRecordings } from '../../../../server/src/data/activations';
import { LLAMA_3_8B, llamaModel, SINGLE, testRun, value } from '../builders';

const BERT = {
  architectures: ['BertForMaskedLM'],
  model_type: 'bert',
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  vocab_size: 30522,
  max_position_embeddings: 512,
};

function described(config: Record<string, unknown>) {
  const options = { name: 'bert', source: 'a test', confidence: 'high', recorded: loadRecordings() } as const;
  const result = describeModel(config, options);
  if ('problem' in result) throw new Error(result.problem);
  return result.model;
}

function memoryOf(head: TrainingRun['head'], model = described(BERT)) {
  const run = testRun({ model, sharding: SINGLE, micro: 64, sequence: 512, packing: true, weights: 'fp32' });
  const { memory, assumptions } = estimateMemory({ ...run, head });
  if (memory === null) throw new Error('no estimate');
  return { memory, assumptions };
}

const LABELS = value('labels' as const);
const VOCABULARY = value('vocabulary' as const);
const OPEN = unknown<'labels'>('the script');

describe('the head of an encoder', () => {
  it('has no logits of words where the script classifies', () => {
    const words = (head: TrainingRun['head']) => memoryOf(head).memory.breakdown.logits > 0;
    expect(words(VOCABULARY)).toBe(true);
    expect(words(LABELS)).toBe(false);
  });

  it('is in the band where no file tells: labels at the low end, all words at the high one', () => {
    const { memory, assumptions } = memoryOf(OPEN);
    expect(memory.low).toBe(memoryOf(LABELS).memory.low);
    expect(memory.high).toBe(memoryOf(VOCABULARY).memory.high);
    expect(memory.high).toBeGreaterThan(1.2 * memory.low);
    expect(assumptions.find(({ what }) => what === 'head')?.because).toContain('the script');
  });

  it('is open too where config.json names the model without a head', () => {
    const bare = described({ ...BERT, architectures: ['BertModel'] });
    expect(memoryOf(LABELS, bare).memory.value).toBeLessThan(memoryOf(VOCABULARY, bare).memory.value);
  });

  it('leaves decoders and classifiers as their config.json has them', () => {
    const llama = llamaModel({ ...LLAMA_3_8B, layers: 2 });
    expect(memoryOf(OPEN, llama).memory).toEqual(memoryOf(undefined, llama).memory);
    const classifier = described({ ...BERT, architectures: ['BertForSequenceClassification'] });
    expect(memoryOf(VOCABULARY, classifier).memory).toEqual(memoryOf(LABELS, classifier).memory);
  });
});
