import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import type { Corner, Facts, Note } from './facts';
import { withOptions } from './optimizer-options';
import { type OptimizerRecord, optimizerRecord } from './optimizers';

type OptimizerFacts = Pick<Facts, 'optimizer' | 'optimizerName' | 'step'>;

/** The optimizer and how its step is run. One that is not known is AdamW; the band reaches down to one that keeps less. */
export function readOptimizer(run: TrainingRun, corner: Corner, note: Note): OptimizerFacts {
  const { name } = run.optimizer;
  const optimizerName = name.known ? name.value : corner === 'low' ? leastOf(run) : 'adamw_torch';
  const record = optimizerRecord(optimizerName);
  if (record === undefined) {
    const because = `the optimizer ${optimizerName} is not one Shardlens knows; Adam's two fp32 moments are assumed`;
    note({ what: 'optimizer state', value: '8 B per parameter', because }, 'none');
  } else if (!name.known) {
    note({
      what: 'optimizer',
      value: 'AdamW',
      because: `${name.why}; the band reaches down to ${LEAST_WORDS[leastOf(run)]}`,
    });
  }
  const optimizer =
    record === undefined
      ? { fp32: 8, half: 8, label: 'optimizer state' }
      : withOptions(record, optimizerName, run, corner, note);
  return { optimizer, optimizerName, step: stepImplementation(run, optimizer) };
}

type Least = 'lion' | 'adamw_8bit' | 'adamw';

const LEAST_WORDS: Readonly<Record<Least, string>> = {
  lion: 'Lion, which keeps one moment',
  adamw_8bit: '8-bit AdamW',
  adamw: 'nothing less, since Megatron runs Adam or SGD',
};

/** The least that is usual: ZeRO takes no 8-bit optimizer unasked (deepspeed/runtime/zero/utils.py, ZERO_SUPPORTED_OPTIMIZERS). */
function leastOf({ sharding }: TrainingRun): Least {
  const kind = valueIfKnown(sharding)?.kind;
  if (kind === 'megatron') return 'adamw';
  return kind === 'zero' ? 'lion' : 'adamw_8bit';
}

function stepImplementation(run: TrainingRun, record: OptimizerRecord): Facts['step'] {
  const written = valueIfKnown(run.optimizer.implementation);
  if (written === 'paged') return 'loop';
  return written ?? record.step ?? 'foreach';
}
