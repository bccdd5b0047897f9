import { valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import type { Dtype, TrainingRun } from '../../run/training-run';
import type { Assumption } from '../estimate';
import type { Corner, Facts } from './facts';

function dtypeBytes(dtype: Dtype): 2 | 4 {
  return dtype === 'fp32' ? 4 : 2;
}

type PrecisionFacts = Pick<Facts, 'weightBytes' | 'computeBytes' | 'streamBytes' | 'castsWeights' | 'mixed'>;

/**
 * Widths of the stored weights, the products and the stream. DeepSpeed and Megatron cast the model to their 16-bit type; FSDP with mixed
 * precision keeps fp32 shards of what is trained (accelerate ≥ 0.30 upcasts it: utils/fsdp_utils.py) and gathers 16 bits;
 * autocast works over the weights as loaded.
 */
export function readPrecision(
  run: TrainingRun,
  corner: Corner,
  note: (assumption: Assumption) => void,
): PrecisionFacts {
  const { compute, weights, mode } = run.precision;
  let computeBytes: 2 | 4;
  if (compute.known) computeBytes = dtypeBytes(compute.value);
  else {
    computeBytes = corner === 'high' ? 4 : 2;
    note({ what: 'precision', value: 'bf16', because: `${compute.why}; the band reaches to fp32` });
  }
  const sharding = valueIfKnown(run.sharding)?.kind;
  const mixed = valueIfKnown(mode) === 'autocast' && computeBytes === 2;
  if (sharding === 'zero' || sharding === 'megatron') {
    return { weightBytes: computeBytes, computeBytes, streamBytes: computeBytes, castsWeights: false, mixed: false };
  }
  let loaded: 2 | 4;
  if (weights.known) loaded = dtypeBytes(weights.value);
  else {
    loaded = corner === 'high' ? 4 : computeBytes;
    const value = computeBytes === 4 ? 'fp32' : '16-bit';
    note({ what: 'stored weights', value, because: `${weights.why}; the band reaches to fp32` });
  }
  if (sharding === 'fsdp') {
    const upcast = mixed && run.lora === undefined && !isOlder(run.frameworks.accelerate, '0.30');
    return { weightBytes: upcast ? 4 : loaded, computeBytes, streamBytes: computeBytes, castsWeights: false, mixed };
  }
  const castsWeights = mixed && loaded === 4;
  return { weightBytes: loaded, computeBytes: mixed ? computeBytes : loaded, streamBytes: loaded, castsWeights, mixed };
}
