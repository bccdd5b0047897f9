import { describe, expect, it } from 'vitest';
import {
  editDistance,
  findKey,
  nearestKey,
  placesOfKey,
  propertiesOf,
  takesAuto,
} from '../../../server/src/core/schema/keys';
import { isAtLeast } from '../../../server/src/core/schema/versions';
import { expectedWords } from '../../../server/src/core/schema/words';
import { loadSchema } from '../../../server/src/data/schemas';

const deepspeed = loadSchema('deepspeed').schema;

describe('edit distance', () => {
  it.each([
    ['overlap_comm', 'overlap_comm', 0],
    ['overlap_com', 'overlap_comm', 1],
    ['ovrelap_comm', 'overlap_comm', 1],
    ['ofload_param', 'offload_param', 1],
    ['stgae', 'stage', 1],
    ['stage', 'steps_per_print', 3],
  ])('%s and %s: %i', (a, b, distance) => {
    expect(editDistance(a, b, 2)).toBe(distance);
  });
});

describe('nearest key', () => {
  it('names the one candidate within two edits', () => {
    expect(nearestKey('gradient_cliping', Object.keys(propertiesOf(deepspeed)))).toBe('gradient_clipping');
  });

  it('says nothing when two are equally near, or a short name is two edits away', () => {
    expect(nearestKey('adam_beta', ['adam_beta1', 'adam_beta2'])).toBeUndefined();
    expect(nearestKey('fp8', ['amp', 'aio'])).toBeUndefined();
  });
});

describe('keys of a dialect', () => {
  it('are found by path, through lists too', () => {
    expect(findKey(deepspeed, 'zero_optimization.offload_param.device')?.schema.enum).toContain('nvme');
    expect(findKey(deepspeed, 'tensor_parallel.partition_config.layer_specs.0.partition_type')).toBeDefined();
    expect(findKey(deepspeed, 'zero_optimization.nope')).toBeUndefined();
  });

  it('tell where else a name stands', () => {
    expect(placesOfKey(deepspeed, 'overlap_comm')).toEqual(['zero_optimization.overlap_comm']);
    expect(placesOfKey(deepspeed, 'prefetch_bucket_size')).toEqual([]);
  });

  it('say what they take', () => {
    expect(expectedWords(findKey(deepspeed, 'zero_optimization.stage')?.schema ?? {})).toBe(
      'one of 0, 1, 2, 3 or "auto"',
    );
    expect(expectedWords(findKey(deepspeed, 'zero_optimization.reduce_bucket_size')?.schema ?? {})).toBe(
      'an integer above 0 or "auto"',
    );
  });

  it('take "auto" only where somebody fills it or the framework knows the word', () => {
    const takes = (path: string) => takesAuto(findKey(deepspeed, path)?.schema ?? {});
    expect(takes('train_batch_size')).toBe(true);
    expect(takes('zero_optimization.zenflow.select_interval')).toBe(true);
    expect(takes('zero_optimization.allgather_bucket_size')).toBe(false);
  });
});

describe('versions', () => {
  it('are compared number by number', () => {
    expect(isAtLeast('4.57.6', '4.9.0')).toBe(true);
    expect(isAtLeast('5.14.1', '5.15.0')).toBe(false);
    expect(isAtLeast('5.15', '5.15.0')).toBe(true);
  });
});
