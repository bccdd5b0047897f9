import { valueIfKnown } from '../run/known';
import { isOlder } from '../run/sources';
import type { TrainingRun } from '../run/training-run';
import { formatGib, formatParameters } from '../text/format';
import type { Assumption } from './estimate';
import type { Facts } from './memory/facts';
import { type Part, sumBytes } from './memory/part';
import { weightParts } from './memory/weights';

/** Hugging Face writes checkpoints in files of at most 5 GB (save_pretrained's max_shard_size until 5.x). */
export const SHARD_FILE_BYTES = 5e9;

const TENSOR_BY_TENSOR = 'transformers src/transformers/core_model_loading.py:1319 and :1796 (5.23.0)';

/** What loading needs on a node, and both ends where the files do not decide how the weights are loaded. */
export interface HostLoad {
  readonly part: Part;
  readonly low: number;
  readonly high: number;
  /** Why the ends differ. */
  readonly because?: Assumption;
}

/** Weights in host memory while they are loaded: by every rank, unless the loader is told otherwise. */
export function hostLoad(run: TrainingRun, facts: Facts, ranks: number): HostLoad {
  return facts.quantization === undefined ? plainLoad(run, facts, ranks) : quantisedLoad(facts, ranks);
}

/** How many processes of a node hold the weights. */
function loadersOf({ sharding }: Facts, ranks: number): number {
  return sharding.kind === 'fsdp' && valueIfKnown(sharding.cpuRamEfficientLoading) === true ? 1 : ranks;
}

/** bitsandbytes quantises on the GPU, so that each tensor goes there as it is read; FSDP and ZeRO-3 bring back what was quantised. */
function quantisedLoad(facts: Facts, ranks: number): HostLoad {
  const { sharding, counts } = facts;
  const isZero3 = sharding.kind === 'zero' && valueIfKnown(sharding.stage) === 3;
  const efficient = sharding.kind === 'fsdp' && valueIfKnown(sharding.cpuRamEfficientLoading) !== false;
  const low = 2 * counts.largest * ranks;
  const kept = isZero3 || efficient ? sumBytes(weightParts(facts, 1)) * (isZero3 ? ranks : 1) : 0;
  const file = Math.min(facts.weightBytes * counts.total, SHARD_FILE_BYTES) * ranks;
  const words =
    kept > 0
      ? 'what was quantised comes back to the host before it is sharded (modeling_utils.py:776, 4.57.6); the band reaches down to none'
      : 'bitsandbytes quantises on the GPU, device_map {"": current_device} (quantizer_bnb_4bit.py:94, 5.23.0; :257, 4.57.6)';
  return {
    part: {
      id: 'host.load',
      group: 'parameters',
      bytes: low + kept,
      label: () => (kept > 0 ? 'quantised weights' : 'weights, one tensor at a time'),
      formula: () =>
        `${ranks} × 2 B × ${formatParameters(counts.largest)} elements${kept > 0 ? ` + ${formatGib(kept)}` : ''}`,
      source: TENSOR_BY_TENSOR,
      from: facts.from.quantised,
    },
    low,
    high: kept + file,
    because: {
      what: 'loading',
      value: 'tensor by tensor to the GPU',
      because: `${words}; the band reaches up to a whole file of weights, as formats other than safetensors are read`,
    },
  };
}

function plainLoad(run: TrainingRun, facts: Facts, ranks: number): HostLoad {
  const { sharding, counts } = facts;
  // Megatron splits its own layers; the script makes the whole model of transformers before.
  const parameters = sharding.kind === 'megatron' ? facts.model.parameters.total : counts.total;
  const widths = loadWidths(run, facts);
  const isZero3 = sharding.kind === 'zero' && valueIfKnown(sharding.stage) === 3;
  const byFile = isZero3 && valueIfKnown(run.consumer) === 'trainer';
  const loaders = loadersOf(facts, ranks);
  const bytes = (width: number): number =>
    loaders * (byFile ? Math.min(width * parameters, SHARD_FILE_BYTES) : width * parameters);
  const all = bytes(widths.high);
  const isOpen = mayLoadToGpu(run, facts);
  const part: Part = {
    id: 'host.load',
    group: 'parameters',
    bytes: all,
    label: () => (loaders === 1 ? 'weights, loaded by one rank' : `weights, loaded by each of ${loaders} ranks`),
    formula: () =>
      byFile && all < loaders * widths.high * parameters
        ? `${loaders} × one file of 5 GB`
        : `${loaders} × ${widths.high} B × ${formatParameters(parameters)} parameters`,
    source: 'transformers from_pretrained, in every process; accelerate cpu_ram_efficient_loading',
    from: facts.from.weights,
  };
  if (!isOpen) return { part, low: bytes(widths.low), high: all, ...(widths.because && { because: widths.because }) };
  const because =
    'the script decides: TRL loads a model given by name with device_map "auto", tensor by tensor to the GPU (trl trl/trainer/utils.py:1351, 1.16.0; :2017, 0.26.2), its own scripts do not; the band reaches down to that';
  return {
    part,
    low: Math.min(widths.low * counts.largest * loaders, all),
    high: all,
    because: { what: 'loading', value: 'through host memory', because },
  };
}

/** Whether a script may hand a device_map over: never with ZeRO or Megatron, nor TRL since 1.16 where ranks are many. */
function mayLoadToGpu(run: TrainingRun, { sharding }: Facts): boolean {
  if (sharding.kind === 'single' || sharding.kind === 'ddp') return true;
  const { trl } = run.frameworks;
  return sharding.kind === 'fsdp' && valueIfKnown(sharding.cpuRamEfficientLoading) === false
    ? ['sft', 'dpo', 'grpo', 'kto', 'reward'].includes(valueIfKnown(run.method) ?? '') &&
        (!trl?.known || isOlder(trl, '1.16'))
    : false;
}

/**
 * Bytes of a loaded weight. Accelerate's FSDP makes 16-bit weights fp32: version 1 after they are sharded (accelerator.py:1996, 1.15.0),
 * version 2 after it too up to 1.12 (utils/fsdp_utils.py:709), and before it, on the host, in 1.15 (utils/fsdp_utils.py:816).
 */
function loadWidths(run: TrainingRun, facts: Facts): { low: number; high: number; because?: Assumption } {
  const { sharding, weightBytes, loadedBytes } = facts;
  if (sharding.kind !== 'fsdp') return { low: weightBytes, high: weightBytes };
  const { accelerate } = run.frameworks;
  const { weights } = run.precision;
  const isLater = valueIfKnown(sharding.version) === 1 || isOlder(accelerate, '1.13');
  const isEarlier = valueIfKnown(sharding.version) === 2 && accelerate?.known === true && !isOlder(accelerate, '1.15');
  if (isEarlier) return { low: weightBytes, high: weightBytes };
  const isStated = weights.known && weights.origin.kind !== 'assumed';
  if (isLater && isStated) return { low: loadedBytes, high: loadedBytes };
  if (loadedBytes === weightBytes) return { low: weightBytes, high: weightBytes };
  const why = isLater
    ? 'no file tells the type the weights are loaded in'
    : 'which release of Accelerate runs, or which FSDP, is not known';
  return {
    low: loadedBytes,
    high: weightBytes,
    because: {
      what: 'weights on the host while loading',
      value: 'fp32',
      because: `FSDP 2 makes them fp32 before it shards them since Accelerate 1.15, FSDP 1 after, and ${why}; the band reaches down to ${loadedBytes} B`,
    },
  };
}
