import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { endsInLabels } from '../memory/head';
import { countLora } from '../memory/lora';

/** Parameters by what the time model does with them. Whole model, before tensor or pipeline splits. */
export interface ParameterFacts {
  readonly total: number;
  /** Inside the repeated text blocks, all experts. */
  readonly blocks: number;
  /** Inside the repeated text blocks, only the experts that one token visits. */
  readonly activeBlocks: number;
  /** Routed experts. */
  readonly experts: number;
  /** What makes the logits, tied or not. */
  readonly head: number;
  /** Entries of the vocabulary that each token has a logit for; 0 where labels or scores take their place. */
  readonly words: number;
  /** Receive a gradient. */
  readonly trainable: number;
  /** One block, the largest kind. */
  readonly largestBlock: number;
  /** What one pipeline, tensor and expert rank holds. */
  readonly onRank: number;
  /** {@link trainable} on one rank. */
  readonly trainableOnRank: number;
}

/** Counts the parameters once for all parts of the time model. */
export function parameterFacts(
  run: TrainingRun,
  model: Model,
  split: { readonly tensor: number; readonly pipeline: number; readonly expert: number },
): ParameterFacts {
  const { total, active, byKind } = model.parameters;
  const labels = endsInLabels(model);
  const table = model.tiedEmbeddings && !labels ? model.vocabSize * model.hiddenSize : 0;
  const head = (byKind.head ?? 0) + table;
  const outside =
    (byKind.embedding ?? 0) + (byKind.head ?? 0) + (byKind.vision ?? 0) + (byKind.audio ?? 0) + (byKind.projector ?? 0);
  const experts = byKind.expert ?? 0;
  const adapters = run.lora && valueIfKnown(run.lora);
  const frozen = run.lora !== undefined;
  const trainable = frozen ? (adapters ? countLora(model, adapters, 1).parameters : 0) : total;
  const ranks = split.tensor * split.pipeline;
  const onRank = (dense: number, routed: number): number => dense / ranks + routed / (ranks * split.expert);
  return {
    total,
    blocks: Math.max(0, total - outside),
    activeBlocks: Math.max(0, active - outside),
    experts,
    head,
    words: labels || head === 0 ? 0 : model.vocabSize,
    trainable,
    largestBlock: model.blocks.reduce((most, block) => Math.max(most, block.parameters), 0),
    onRank: onRank(total - experts, experts),
    trainableOnRank: frozen ? onRank(trainable, 0) : onRank(total - experts, experts),
  };
}
