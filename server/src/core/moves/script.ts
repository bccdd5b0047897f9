import { valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Dimension } from './move';

/**
 * Ways to split a model that no file switches on for sure: nothing to try, and the user is told. AutoEP, which a DeepSpeed file does switch
 * on, was run with the Trainer and stopped (deepspeed/module_inject/auto_ep_presets/base.py:326 of 0.19.8 with transformers 5.23).
 */
export const scriptOnly: Dimension = (run, note) => {
  if ((valueIfKnown(run.worldSize) ?? 1) < 2) return [];
  const { pipeline, expert } = run.parallelism;
  if (valueIfKnown(pipeline) === 1)
    note?.({ what: 'pipeline stages', because: 'the script must build the model as a pipeline of stages' });
  if (valueIfKnown(expert) === 1 && hasExperts(run))
    note?.({
      what: 'expert parallelism',
      because: "the script must deal the experts out; DeepSpeed 0.19.8's AutoEP stops under transformers 5",
    });
  return [];
};

function hasExperts({ model }: TrainingRun): boolean {
  return model.known && model.value.blocks.some(({ mlp }) => mlp?.moe !== undefined);
}
