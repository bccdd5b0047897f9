import { formatCount } from '../../text/format';
import type { Facts } from './facts';
import { type LowRank, largestOf } from './low-rank';
import { isFlat } from './optimizer-state';
import { COUNTED, type Part } from './part';
import { trainedBytes } from './weights';

const SOURCE = `torch.optim, foreach; ${COUNTED} and record_optimizers.py`;

/**
 * Bytes that a step allocates for each element that it works on at once, of a tensor of `width` bytes an element: foreach keeps a
 * list of temporaries as large as all it steps, and a loop has those of one tensor.
 */
export function bytesPerStepped(facts: Facts, width: number): number {
  const { optimizer, step } = facts;
  if (step === 'fused' || step === 'cpu') return 0;
  // Without state there is nothing to compute aside: the gradients are applied in place.
  if (step === 'foreach') return optimizer.fp32 === 0 ? 0 : width * (optimizer.lists ?? 1);
  // Adafactor has the update and its root left of a tensor that is not factored.
  if (optimizer.rule === 'factored' && isFlat(facts)) return 2 * width;
  const wide = width === 4 ? optimizer.perWideElement : undefined;
  return wide ?? optimizer.perElement ?? width * (optimizer.copies ?? 1);
}

/** What stepping allocates where parameters are stepped as they are; ZeRO's flat partitions are in its buffers. */
export function stepTemporaries(facts: Facts): Part[] {
  const { sharding, step, trainable, shards, lora, counts, optimizer } = facts;
  // Megatron steps with a fused kernel of apex or Transformer Engine.
  if (sharding.kind === 'megatron' || sharding.kind === 'zero') return [];
  const width = trainedBytes(facts);
  const perElement = bytesPerStepped(facts, width);
  const all = trainable / shards;
  const elements = step === 'foreach' ? all : Math.min(all, lora?.largest ?? counts.largest);
  if (perElement === 0) return [];
  const { lowRank } = optimizer;
  if (lowRank !== undefined && lowRank.moments !== 'factored' && lora === undefined) {
    return [projectedStep(facts, lowRank, width, perElement)];
  }
  return [
    {
      id: 'buffers.step',
      group: 'buffers',
      bytes: perElement * elements,
      label: () => (step === 'foreach' ? 'temporaries of the foreach step' : 'temporaries of the step'),
      formula: () =>
        `${perElement} B × ${formatCount(elements)} elements${step === 'foreach' ? '' : ', the largest tensor'}`,
      source: SOURCE,
      from: facts.from.optimizer,
    },
  ];
}

/** The largest tensor that is stepped as Adam steps it, or the largest that is split into singular vectors. */
function projectedStep(facts: Facts, lowRank: LowRank, width: number, perElement: number): Part {
  const { whole, projected } = largestOf(facts, lowRank);
  // The 16-bit gradient in fp32, and as many left vectors; a random matrix leaves the gradient, which is projected and back.
  const each = lowRank.projector === 'singular' ? (width === 4 ? 4 : 8) : perElement;
  const isSplit = each * projected > perElement * whole;
  return {
    id: 'buffers.step',
    group: 'buffers',
    bytes: Math.max(each * projected, perElement * whole),
    label: () => (isSplit ? 'a gradient split into singular vectors' : 'temporaries of the step'),
    formula: () =>
      isSplit
        ? `${each} B × ${formatCount(projected)} elements, the largest tensor that is projected`
        : `${perElement} B × ${formatCount(whole)} elements, the largest tensor that is not projected`,
    source: 'galore_torch 1.0, galore_projector.py; counted by test/oracle/record_optimizers.py',
    from: facts.from.optimizer,
  };
}
