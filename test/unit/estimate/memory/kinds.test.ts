import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { describeModel } from '../../../../server/src/core/models/describe';
import type { Model } from '../../../../server/src/core/models/model';
import { unknown } from '../../../../server/src/core/run/known';
import { loadRecordings } from '../../../../server/src/data/activations';
import { testRun } from '../builders';

const recorded = loadRecordings();

function model(config: Readonly<Record<string, unknown>>): Model {
  const found = describeModel(config, { name: 'small', source: 'test', confidence: 'high', recorded });
  if ('problem' in found) throw new Error(found.problem);
  return found.model;
}

const VIT = {
  model_type: 'vit',
  architectures: ['ViTForImageClassification'],
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  patch_size: 16,
  image_size: 224,
};
const CLIP = {
  model_type: 'clip',
  architectures: ['CLIPModel'],
  projection_dim: 512,
  text_config: { hidden_size: 512, intermediate_size: 2048, num_hidden_layers: 12, num_attention_heads: 8 },
  vision_config: { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12 },
};
const words = (of: Model, change = {}): readonly string[] =>
  estimateMemory({ ...testRun({ model: of, micro: 64 }), ...change }).assumptions.map(({ what }) => what);
const activations = (of: Model, micro: number): number =>
  estimateMemory(testRun({ model: of, micro, sequence: 77 }))
    .memory?.phases.step?.terms.filter(({ id }) => id.startsWith('activations.saved'))
    .reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;

describe('blocks that no text passes through', () => {
  it('counts an image by its patches, and asks for no sequence length', () => {
    const vit = model(VIT);
    const batch = { ...testRun({ micro: 64 }).batch, sequenceLength: unknown('no file gives it') };
    expect(words(vit, { batch })).not.toContain('sequence length');
    expect(words(vit)).not.toContain('vision or audio tower');
    // 197 positions of 16 x 16 patches keep about 16 h + 4 I + 4 n bytes in each of 12 blocks.
    const block = 64 * 197 * (16 * 768 + 4 * 3072 + 16 + 4 * 12);
    expect(activations(vit, 64) / (12 * block)).toBeGreaterThan(0.99);
    expect(activations(vit, 64) / (12 * block)).toBeLessThan(1.1);
  });

  it('counts both towers of CLIP, whose widths differ', () => {
    const clip = model(CLIP);
    const half = model({ ...CLIP, vision_config: { ...CLIP.vision_config, image_size: 112 } });
    expect(words(clip)).not.toContain('vision or audio tower');
    expect(activations(clip, 64)).toBeGreaterThan(1.3 * activations(half, 64));
    expect(clip.blocks.map(({ positions }) => positions)).toEqual([undefined, 50]);
  });

  it('hears 30 seconds in each sample of Whisper, whatever its text is long', () => {
    const whisper = model({
      model_type: 'whisper',
      architectures: ['WhisperForConditionalGeneration'],
      d_model: 512,
      vocab_size: 51865,
      encoder_layers: 6,
      decoder_layers: 6,
      encoder_attention_heads: 8,
      decoder_attention_heads: 8,
      encoder_ffn_dim: 2048,
      decoder_ffn_dim: 2048,
      num_mel_bins: 80,
      max_source_positions: 1500,
      max_target_positions: 448,
    });
    expect(words(whisper)).not.toContain('length of input and output');
    expect(whisper.blocks.map(({ positions }) => positions)).toEqual([1500, undefined]);
  });
});

describe('kernels of other packages', () => {
  it('are said to be taken as installed', () => {
    const mamba = model({
      model_type: 'mamba',
      architectures: ['MambaForCausalLM'],
      hidden_size: 768,
      num_hidden_layers: 24,
      state_size: 16,
      vocab_size: 50280,
      time_step_rank: 48,
    });
    expect(words(mamba)).toContain('kernels');
    expect(words(testRunModel())).not.toContain('kernels');
  });
});

function testRunModel(): Model {
  const run = testRun();
  if (!run.model.known) throw new Error('the run of tests has a model');
  return run.model.value;
}
