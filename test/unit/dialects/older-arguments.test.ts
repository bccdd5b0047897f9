import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const TRAIN =
  'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 2\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\n';

function run(train: string, flags = '') {
  const workspace = memoryWorkspace({
    'train.yaml': `${TRAIN}${train}`,
    'run.sh': `torchrun --nproc_per_node 2 train.py --config train.yaml${flags}\n`,
  });
  const file = workspace.source(`${ROOT}/train.yaml`);
  const found = file && analyze(file, { workspace, catalogs: loadCatalogs() }).run;
  if (!found) throw new Error('there is no run');
  const told = (one: { known: boolean; value?: unknown }) => (one.known ? one.value : undefined);
  return {
    micro: told(found.batch.micro),
    evalMicro: told(found.batch.evalMicro),
    optim: told(found.optimizer.name),
    evaluates: told(found.evaluation),
  };
}

describe('arguments of older releases', () => {
  it('stand over those that took their place', () => {
    expect(run('per_gpu_train_batch_size: 4\n').micro).toBe(4);
    expect(run('per_gpu_train_batch_size: 4\n', ' --per_device_train_batch_size 2').micro).toBe(4);
    expect(run('', ' --per_gpu_train_batch_size 4').micro).toBe(4);
    expect(run('per_gpu_eval_batch_size: 16\n').evalMicro).toBe(16);
    expect(run('optim: adamw_torch\nadafactor: true\n').optim).toBe('adafactor');
    expect(run('evaluation_strategy: "no"\n', ' --eval_strategy steps').evaluates).toBe(false);
  });

  it('say nothing where they are off', () => {
    expect(run('per_gpu_train_batch_size: null\n').micro).toBe(2);
    expect(run('per_gpu_train_batch_size: 0\n').micro).toBe(2);
    expect(run('optim: sgd\nadafactor: false\n').optim).toBe('sgd');
  });

  it('leave unknown what a variable fills', () => {
    expect(run('', ' --per_gpu_train_batch_size $MICRO').micro).toBeUndefined();
    expect(run('optim: sgd\n', ' --adafactor $ADAFACTOR').optim).toBeUndefined();
    expect(run('eval_strategy: "no"\n', ' --eval_strategy $EVAL').evaluates).toBeUndefined();
  });
});
