import type { TrainingRun } from '../../run/training-run';
import type { Assumption } from '../estimate';
import { isEncoderDecoder } from './blocks';
import { evaluationHint } from './evaluation';
import type { Facts } from './facts';
import { isCounted } from './recorded';
import { seesEverySample } from './symbols';

/** What the formulas do not cover, said once. */
export function noteLimits(run: TrainingRun, facts: Facts, assumptions: Assumption[]): void {
  const hint = evaluationHint(run, facts);
  if (hint) assumptions.push(hint);
  const { model } = facts;
  if (!isCounted(facts)) {
    assumptions.push({
      what: 'activations',
      value: 'as in a Llama block of the same shape',
      because: `${model.recorded?.why ?? `what ${model.modelType} blocks save has not been counted`}; the band is wider`,
    });
  }
  if (facts.expert > 1) {
    assumptions.push({
      what: 'tokens of each expert',
      value: 'as many as of any other',
      because: `the router decides it, and nothing balances the ${facts.expert} ranks that share a layer's experts; the band reaches to a rank with more`,
    });
  }
  if (facts.sharding.kind === 'megatron' && facts.pipeline > 1) {
    assumptions.push({
      what: 'pipeline schedule',
      value: 'one stage a GPU, not interleaved',
      because:
        'no key of an Accelerate file or launch line asks for interleaved stages; with num_layers_per_virtual_pipeline_stage in the script, a GPU keeps more micro-batches',
    });
  }
  if (isEncoderDecoder(facts)) {
    assumptions.push({
      what: 'length of input and output',
      value: 'the same',
      because: 'encoder and decoder have a length each, and the config gives one',
    });
  }
  if (!model.blocks.every((block) => seesEverySample(model, block))) {
    assumptions.push({
      what: 'vision or audio tower',
      value: 'its activations are not counted',
      because: 'image and clip sizes are not in the config',
    });
  }
}
