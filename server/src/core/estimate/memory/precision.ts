import { type Known, valueIfKnown } from '../../run/known';
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
  const bytesOf = (dtype: Dtype, isOpen: boolean) => (isOpen && corner === 'high' ? 4 : dtypeBytes(dtype));
  let computeBytes: 2 | 4;
  if (compute.known) computeBytes = bytesOf(compute.value, isOpen(run, compute));
  else {
    computeBytes = corner === 'high' ? 4 : 2;
    note({ what: 'precision', value: 'bf16', because: `${compute.why}; the band reaches to fp32` });
  }
  const sharding = valueIfKnown(run.sharding)?.kind;
  const mixed = valueIfKnown(mode) === 'autocast' && computeBytes === 2;
  if (sharding === 'zero' || sharding === 'megatron') {
    return { weightBytes: computeBytes, computeBytes, streamBytes: computeBytes, castsWeights: false, mixed: false };
  }
  const upcast = sharding === 'fsdp' && mixed && run.lora === undefined && !isOlder(run.frameworks.accelerate, '0.30');
  if (upcast) return { weightBytes: 4, computeBytes, streamBytes: computeBytes, castsWeights: false, mixed };
  let loaded: 2 | 4;
  if (weights.known) {
    loaded = bytesOf(weights.value, isOpen(run, weights));
    if (weights.origin.kind === 'assumed' && isOpen(run, weights)) {
      note({
        what: 'stored weights',
        value: weights.value,
        because: `${weights.origin.because}; the band reaches to fp32`,
      });
    }
  } else {
    loaded = corner === 'high' ? 4 : computeBytes;
    const value = computeBytes === 4 ? 'fp32' : '16-bit';
    note({ what: 'stored weights', value, because: `${weights.why}; the band reaches to fp32` });
  }
  loaded = restBytes(run, loaded, corner, note);
  if (sharding === 'fsdp') {
    return { weightBytes: loaded, computeBytes, streamBytes: computeBytes, castsWeights: false, mixed };
  }
  const castsWeights = mixed && loaded === 4;
  return { weightBytes: loaded, computeBytes: mixed ? computeBytes : loaded, streamBytes: loaded, castsWeights, mixed };
}

/** Weights that are not quantised, after the script has prepared the model; a sharded one is left as it is. */
function restBytes(
  { quantizedTraining, sharding }: TrainingRun,
  loaded: 2 | 4,
  corner: Corner,
  note: (assumption: Assumption) => void,
): 2 | 4 {
  const upcasts = quantizedTraining?.restToFp32;
  const kind = valueIfKnown(sharding)?.kind;
  if (upcasts === undefined || loaded === 4 || kind === 'fsdp') return loaded;
  if (upcasts.known) return upcasts.value ? 4 : loaded;
  note({
    what: 'weights that are not quantised',
    value: '16-bit',
    because: `${upcasts.why}, which makes them fp32; the band reaches to that`,
  });
  return corner === 'high' ? 4 : loaded;
}

/**
 * A 16-bit type that stands for a release nobody pinned: it may as well be fp32. Releases before 5 load what bitsandbytes does not
 * quantise in float16 (transformers quantizers/quantizer_bnb_4bit.py:254, 4.57.6), so that those weights have 16 bits in each.
 */
function isOpen({ quantization }: TrainingRun, dtype: Known<Dtype>): boolean {
  return dtype.known && dtype.origin.kind === 'assumed' && dtype.value !== 'fp32' && quantization === undefined;
}
