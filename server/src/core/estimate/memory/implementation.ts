import { computeCapability } from '../../hardware/capability';
import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import type { TrainingRun } from '../../run/training-run';
import type { AttentionChoice, Corner, Facts, Note } from './facts';
import type { FusedBy } from './fused-head';
import type { PreferenceFacts } from './preference';

type Implementation = Pick<
  Facts,
  | 'attention'
  | 'checkpointing'
  | 'compiled'
  | 'fusedLoss'
  | 'fusedBy'
  | 'evalFusedBy'
  | 'ligerAddsInPlace'
  | 'ligerBlocks'
>;

/** By what code blocks and loss are computed; where nothing says, both ends are in the band. */
export function readImplementation(
  run: TrainingRun,
  model: Model,
  preference: PreferenceFacts | undefined,
  corner: Corner,
  note: Note,
): Implementation {
  const fusedLoss = preference === undefined ? readFusedLoss(run, corner, note) : preference.fused;
  const by = fusedLoss ? fusedBy(run) : undefined;
  return {
    attention: megatronAttention(run, corner, note) ?? readAttention(run, model, corner, note),
    checkpointing: readCheckpointing(run, corner, note),
    compiled: readCompiled(run, corner, note),
    fusedLoss,
    fusedBy: by,
    evalFusedBy: preference?.fused === true || readFusedEvalLoss(run, corner, note) ? fusedBy(run) : undefined,
    ligerAddsInPlace: by !== 'liger' || readLigerAdds(run, corner, note),
    ligerBlocks: valueIfKnown(run.liger) ?? false,
  };
}

/** What the run asks for; a family without scaled_dot_product_attention runs eager instead. What a template fills in may be eager. */
function readAttention({ attention }: TrainingRun, model: Model, corner: Corner, note: Note): AttentionChoice {
  const withoutSdpa = model.recorded?.hasSdpa === false;
  if (!attention.known) {
    note({
      what: 'attention',
      value: withoutSdpa ? 'eager' : 'sdpa',
      because: `${attention.why}; the band reaches from a flash kernel to eager attention, which keeps every pair of positions`,
    });
    return corner === 'high' || (corner === 'expected' && withoutSdpa) ? 'eager' : corner === 'low' ? 'flash' : 'sdpa';
  }
  const chosen = attention.value;
  if (chosen === 'eager' || (chosen === 'sdpa' && withoutSdpa)) return 'eager';
  return chosen === 'sdpa' ? 'sdpa' : 'flash';
}

/** Megatron has kernels of its own, whatever the model in transformers is loaded with; in fp32 no fused one. */
function megatronAttention(
  { sharding, precision }: TrainingRun,
  corner: Corner,
  note: Note,
): AttentionChoice | undefined {
  const megatron = valueIfKnown(sharding);
  if (megatron?.kind !== 'megatron') return undefined;
  const { fusedAttention: fused } = megatron;
  if (valueIfKnown(precision.compute) === 'fp32') return 'eager';
  if (fused.known) return fused.value ? 'flash' : 'eager';
  const because = `${fused.why}; the band reaches to attention that keeps every pair of positions`;
  note({ what: 'attention', value: 'one kernel', because });
  return corner === 'high' ? 'eager' : 'flash';
}

/** Off is the default of every framework here; where a template or code decides, the band reaches down to compiled blocks. */
function readCompiled({ torchCompile }: TrainingRun, corner: Corner, note: Note): boolean {
  if (torchCompile.known) return torchCompile.value;
  // Without a key the default holds; a key whose value is not known may turn it on.
  if (torchCompile.origin === undefined) return false;
  const because = `${torchCompile.why}; the band reaches down to compiled blocks, which keep less`;
  note({ what: 'torch.compile', value: 'not used', because });
  return corner === 'low';
}

/** Off is the default of every framework here; where code may turn it on, the band reaches down to it. */
function readCheckpointing(run: TrainingRun, corner: Corner, note: Note): Facts['checkpointing'] {
  if (run.checkpointing.known) return run.checkpointing.value;
  if (valueIfKnown(run.sharding)?.kind === 'megatron') {
    const because = `${run.checkpointing.why}; the band reaches to none`;
    note({ what: 'activation checkpointing', value: 'of every block', because });
    return corner === 'high' ? 'none' : 'full';
  }
  note({
    what: 'activation checkpointing',
    value: 'none',
    because: `${run.checkpointing.why}; the band reaches to full checkpointing`,
  });
  return corner === 'low' ? 'full' : 'none';
}

/** All logits is what old releases and plain trainers make; where the release decides and is not known, the band reaches down to chunks. */
function readFusedLoss({ fusedLoss }: TrainingRun, corner: Corner, note: Note): boolean {
  if (fusedLoss.known) return fusedLoss.value;
  note({
    what: 'how the loss is made',
    value: 'from all logits',
    because: `${fusedLoss.why}; the band reaches down to chunks`,
  });
  return corner === 'low';
}

/** Liger's kernel where a key asks for it; else TRL's own way, by its release. */
function fusedBy({ fusedLoss, preference, frameworks }: TrainingRun): FusedBy {
  const { origin } = preference?.fusedLogProbabilities ?? fusedLoss;
  if (origin?.kind === 'file' && /liger/.test(origin.key)) return 'liger';
  return isOlder(frameworks.trl, '1.15') ? 'chunks' : 'tiles';
}

/**
 * Liger adds in place since 0.8.3, on NVIDIA GPUs since Ampere (ops/fused_linear_cross_entropy.py:348; 0.8.0 does not). In fp32 and for a
 * frozen head it makes no difference.
 */
function readLigerAdds({ cluster, lora, precision }: TrainingRun, corner: Corner, note: Note): boolean {
  if (lora !== undefined || valueIfKnown(precision.compute) === 'fp32') return true;
  const chip = valueIfKnown(cluster)?.accelerator;
  if (chip?.vendor === 'NVIDIA' && (computeCapability(chip) ?? 8) < 8) return false;
  note({
    what: "Liger's release",
    value: '0.8.3 or later',
    because:
      'no file pins it; releases before hold 6 B more for each weight of the head while the loss is made, and the band reaches to that',
  });
  return corner !== 'high';
}

/**
 * TRL's chunked loss replaces the model's forward pass, in evaluation too. Liger's makes all logits there unless told to skip them
 * (liger_kernel/transformers/model/llama.py, lce_forward, 0.6), which transformers does since 5.15 (trainer.py:3000; 5.14.0 does not).
 */
function readFusedEvalLoss(run: TrainingRun, corner: Corner, note: Note): boolean {
  const { fusedLoss, frameworks, evaluation } = run;
  // What is not known of the loss is said there, and is not known of evaluation either.
  if (!fusedLoss.known) return corner === 'low';
  if (!fusedLoss.value) return false;
  const { origin } = fusedLoss;
  if (origin.kind === 'default' || (origin.kind === 'file' && origin.key.endsWith('loss_type'))) return true;
  const { transformers } = frameworks;
  if (transformers?.known) return !isOlder(transformers, '5.15');
  if (evaluation.known && evaluation.value) {
    const because =
      'transformers skips them under Liger since 5.15, and the version is not known; the band reaches to none';
    note({ what: 'logits of evaluation', value: 'of all tokens', because });
  }
  return corner === 'low';
}
