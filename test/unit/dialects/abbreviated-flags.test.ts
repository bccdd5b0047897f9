import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../server/src/core/dialects/trainer/read';
import { launchesOf } from '../../../server/src/core/run/launch';
import { readScript } from '../../../server/src/core/run/shell';

function micro(flags: string): unknown {
  const [launch] = launchesOf('/w/run.sh', readScript('/w/run.sh', `trl sft --config a.yaml ${flags}`));
  return readArguments(undefined, launch).get('per_device_train_batch_size')?.plain;
}

describe('the beginning of a flag', () => {
  it('is that flag where no other one begins so', () => {
    expect(micro('--per_device_train_batch 4')).toBe('4');
    expect(micro('--per_device_train_batch_size 8 --per_device_train_batch 4')).toBe('8');
  });

  it('is nothing where several do, or where it goes on otherwise', () => {
    expect(micro('--per_device 4')).toBeUndefined();
    expect(micro('--per_device_train_batches 4')).toBeUndefined();
  });
});
