import { valueIfKnown } from '../run/known';
import { isOlder } from '../run/sources';
import type { TrainingRun } from '../run/training-run';
import { formatParameters } from '../text/format';
import type { MemoryGroup } from './estimate';
import type { Facts } from './memory/facts';
import { optimizerStateBytes } from './memory/optimizer-state';
import type { Part } from './memory/part';
import { trainedBytes } from './memory/weights';

/** save_pretrained's max_shard_size: a file of weights is made in memory before it is written. */
const FILE_BYTES = { before5: 5e9, now: 50e9 };

/**
 * What is in host memory of the first node while the Trainer or Accelerate writes a checkpoint, beside what training keeps there.
 * First the weights, then the optimizer, whichever is more (transformers src/transformers/trainer.py:3369 and 3392, 5.23.0).
 */
export function saveParts(run: TrainingRun, facts: Facts, ranks: number): Part[] {
  const consumer = valueIfKnown(run.consumer);
  // DeepSpeed's own save_checkpoint writes each rank's tensors from where they are.
  if (!facts.saves || (consumer !== 'trainer' && consumer !== 'accelerate')) return [];
  const weights = weightParts(run, facts, ranks);
  const optimizer = valueIfKnown(run.savesOptimizer) === false ? [] : optimizerParts(facts, ranks);
  return sum(optimizer) > sum(weights) ? optimizer : weights;
}

const sum = (parts: readonly Part[]): number => parts.reduce((total, { bytes }) => total + bytes, 0);

interface Saved {
  readonly id: string;
  readonly group: MemoryGroup;
  readonly label: string;
  readonly width: number;
  readonly elements: number;
  /** Ranks of the node that hold it, and into how many parts it is divided. */
  readonly times: number;
  readonly over: number;
  readonly source: string;
}

function partOf(facts: Facts, { id, group, label, width, elements, times, over, source }: Saved): Part {
  const rounded = Math.round(100 * width) / 100;
  return {
    id,
    group,
    bytes: (width * elements * times) / over,
    label: () => label,
    formula: () =>
      `${times > 1 ? `${times} × ` : ''}${rounded} B × ${formatParameters(elements)} parameters${over > 1 ? ` ÷ ${over} ranks` : ''}`,
    source,
    from: [...facts.from.sharding, ...(group === 'optimizer' ? facts.from.optimizer : facts.from.weights)],
  };
}

/** Whose copy of the weights is on the host: rank 0's where they are gathered, every rank's below ZeRO-3, each one's shard, or none. */
function weightParts(run: TrainingRun, facts: Facts, ranks: number): Part[] {
  const { sharding, weightBytes, lora, counts, shards } = facts;
  const total = facts.model.parameters.total;
  const own = { id: 'host.save', group: 'parameters', width: weightBytes, elements: total, times: 1, over: 1 } as const;
  if (sharding.kind === 'zero') {
    const isStage3 = valueIfKnown(sharding.stage) === 3;
    if (!isStage3) {
      const label = `weights, copied to the host by each of ${ranks} ranks to be saved`;
      const source =
        'accelerate src/accelerate/accelerator.py:4095 (1.15.0), get_state_dict: clone_tensors_for_torch_save';
      const copies = partOf(facts, { ...own, elements: counts.total, times: ranks, label, source });
      return [copies, fileOf(run, facts, total)];
    }
    if (valueIfKnown(sharding.gatherWeightsOnSave) !== true) return [];
    const source = 'deepspeed/runtime/engine.py:5631 (0.19.8), _zero3_consolidated_16bit_state_dict';
    // The frozen weights of a PEFT model are left out.
    const elements = lora === undefined ? total : lora.parameters;
    return [
      partOf(facts, { ...own, elements, label: 'weights, gathered by the first rank to be saved', source }),
      fileOf(run, facts, elements),
    ];
  }
  if (sharding.kind === 'fsdp') {
    const isFull = valueIfKnown(sharding.stateDict) === 'FULL_STATE_DICT';
    const source = 'accelerate src/accelerate/utils/dataclasses.py:2060 (1.15.0): offload_to_cpu, rank0_only';
    if (!isFull) {
      const label = 'shards of the weights to be saved';
      return [partOf(facts, { ...own, times: ranks, over: shards, label, source })];
    }
    const label = 'weights, gathered by the first rank to be saved';
    return [partOf(facts, { ...own, label, source }), fileOf(run, facts, total)];
  }
  return sharding.kind === 'megatron' ? [] : [fileOf(run, facts, lora === undefined ? total : lora.parameters)];
}

/** A file of weights as bytes, before it is written: safetensors serialises the tensors of a file together. */
function fileOf({ frameworks }: TrainingRun, facts: Facts, elements: number): Part {
  const most = isOlder(frameworks.transformers, '5.0') ? FILE_BYTES.before5 : FILE_BYTES.now;
  const width = facts.lora === undefined ? facts.weightBytes : trainedBytes(facts);
  const held = Math.min(elements, most / width);
  return partOf(facts, {
    id: 'host.save-file',
    group: 'parameters',
    label: 'the file of weights being written',
    width,
    elements: held,
    times: 1,
    over: 1,
    source: 'transformers src/transformers/modeling_utils.py:3316 (5.23.0), max_shard_size',
  });
}

/** FSDP takes the optimizer's state to the host too: all of it to rank 0's, or each rank its shard. */
function optimizerParts(facts: Facts, ranks: number): Part[] {
  const { sharding, lora, model, shards, trainable } = facts;
  if (sharding.kind !== 'fsdp') return [];
  const isFull = valueIfKnown(sharding.stateDict) === 'FULL_STATE_DICT';
  const elements = lora === undefined ? model.parameters.total : lora.parameters;
  const width = optimizerStateBytes(facts, trainedBytes(facts)) / Math.max(1, trainable);
  const label = `${facts.optimizer.label}, ${isFull ? 'gathered by the first rank' : 'in shards'} to be saved`;
  const source = 'accelerate src/accelerate/utils/fsdp_utils.py:291 (1.15.0), save_fsdp_optimizer';
  return [
    partOf(facts, {
      id: 'host.save-optimizer',
      group: 'optimizer',
      label,
      width,
      elements,
      times: isFull ? 1 : ranks,
      over: isFull ? 1 : shards,
      source,
    }),
  ];
}
