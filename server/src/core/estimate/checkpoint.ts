import { valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { formatParameters } from '../text/format';
import type { Assumption, MemoryGroup, Term } from './estimate';
import type { Facts } from './memory/facts';
import { factsOnce } from './memory/facts-once';
import { optimizerStateBytes, stateFormula } from './memory/optimizer-state';
import { type Part, sumBytes, toTerm } from './memory/part';
import { trainedBytes } from './memory/weights';

/**
 * Bytes on disk of one checkpoint that can be resumed from, all ranks together: weights as they are saved, and the optimizer.
 * Null without a model or a sharding. Source: deepspeed/runtime/engine.py save_checkpoint; transformers Trainer._save_checkpoint.
 */
export function estimateCheckpoint(run: TrainingRun): {
  checkpoint: { readonly bytes: number; readonly terms: readonly Term[] } | null;
  assumptions: readonly Assumption[];
} {
  const facts = factsOnce(run, 'expected', () => undefined); // The memory estimate says what is missing.
  if (facts === undefined) return { checkpoint: null, assumptions: [] };
  const parts = checkpointParts(run, facts).filter((part) => part.bytes > 0);
  return { checkpoint: { bytes: sumBytes(parts), terms: parts.map(toTerm) }, assumptions: [] };
}

const TRAINER = 'transformers/trainer.py _save_checkpoint';
const SOURCES: Readonly<Record<Facts['sharding']['kind'], string>> = {
  zero: 'deepspeed/runtime/engine.py save_checkpoint',
  megatron: 'megatron/training/checkpointing.py save_checkpoint',
  fsdp: TRAINER,
  ddp: TRAINER,
  single: TRAINER,
};

function checkpointParts(run: TrainingRun, facts: Facts): Part[] {
  const { sharding, lora, weightBytes } = facts;
  const total = wholeModel(facts);
  const trained = lora === undefined ? total : lora.parameters;
  const part = (id: string, group: MemoryGroup, bytes: number, label: string, formula: string): Part => ({
    id,
    group,
    bytes,
    label: () => label,
    formula: () => formula,
    source: SOURCES[sharding.kind],
    from: group === 'optimizer' ? facts.from.optimizer : lora === undefined ? facts.from.weights : facts.from.adapters,
  });
  const states = (width: number): Part => {
    const bytes = (optimizerStateBytes(facts, width) * trained) / Math.max(1, facts.trainable);
    return part('checkpoint.optimizer', 'optimizer', bytes, facts.optimizer.label, stateFormula(facts, bytes, trained));
  };
  const saved = lora === undefined ? weightBytes : trainedBytes(facts);
  const weights = part(
    'checkpoint.weights',
    'parameters',
    saved * trained,
    lora === undefined ? 'weights' : 'adapters',
    `${saved} B × ${formatParameters(trained)} parameters`,
  );
  if (sharding.kind !== 'zero' && sharding.kind !== 'megatron') return [weights, states(trainedBytes(facts))];
  const master = part(
    'checkpoint.master',
    'optimizer',
    4 * trained,
    'fp32 copy of the weights',
    `4 B × ${formatParameters(trained)} parameters`,
  );
  if (sharding.kind === 'megatron') return [weights, ...(weightBytes === 2 ? [master] : []), states(4)];
  const stage = valueIfKnown(sharding.stage) ?? 0;
  const isTrainer = valueIfKnown(run.consumer) === 'trainer';
  // Stages 0 to 2 write the module's 16-bit weights with DeepSpeed's own states; the Trainer writes them once more as a model.
  const module = part(
    'checkpoint.module',
    'parameters',
    stage <= 2 ? weightBytes * total : 0,
    "DeepSpeed's copy of the weights",
    `${weightBytes} B × ${formatParameters(total)} parameters`,
  );
  const writesModel =
    isTrainer && (stage <= 2 || valueIfKnown(sharding.gatherWeightsOnSave) === true || lora !== undefined);
  return [...(writesModel ? [weights] : []), module, master, states(4)];
}

/** Parameters over all tensor, pipeline and expert ranks. */
function wholeModel(facts: Facts): number {
  return facts.model.parameters.total;
}
