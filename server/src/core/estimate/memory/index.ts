import { differences } from '../../calibrate/fingerprint';
import type { TrainingRun } from '../../run/training-run';
import { formatGib } from '../../text/format';
import type { Assumption, MemoryEstimate } from '../estimate';
import type { Corner, Facts } from './facts';
import { factsOnce } from './facts-once';
import { noteLimits } from './limits';
import { type MeasuredPeak, measuredPeak, measurementOf } from './measured';
import { breakdown, describePhases, peaks } from './peaks';
import { judge } from './verdict';

/**
 * Predicts the peak memory of one GPU: the largest of the phases, each a sum of what is alive together then.
 * Null when the model, the sharding or the number of shards is not known; the reason is among the assumptions.
 * Pure. Formulas are counts of test/oracle/record_memory.py; each term names its own source.
 */
export function estimateMemory(run: TrainingRun): {
  memory: MemoryEstimate | null;
  assumptions: readonly Assumption[];
} {
  const assumptions: Assumption[] = [];
  const assumed: string[] = [];
  const facts = factsOnce(run, 'expected', (assumption, reach) => {
    assumptions.push(assumption);
    if (reach !== 'none') assumed.push(assumption.what);
  });
  if (facts === undefined) return { memory: null, assumptions };
  const isAssumed = assumed.length > 0;
  noteLimits(run, facts, assumptions);
  const expected = peaks(facts);
  const low = isAssumed ? corner(run, 'low') : expected;
  const high = isAssumed ? corner(run, 'high') : expected;
  const capacity = facts.capacity;
  if (capacity === null) {
    assumptions.push({
      what: 'GPU memory',
      value: 'not known',
      because: run.cluster.known ? 'the accelerator has no figure' : run.cluster.why,
    });
  }
  const predicted = {
    ...expected.winner,
    standing: expected.standing,
    low: Math.min(expected.winner.bytes, low.low),
    high: Math.max(expected.winner.bytes, high.high),
  };
  const measured = measuredOf(run, facts, predicted, assumptions);
  const top = measured ?? predicted;
  const verdict = judge(run, facts, { band: top, expected, assumed, isMeasured: measured !== undefined });
  if (verdict.because) assumptions.push(verdict.because);
  const { fits, open, decides } = verdict;
  const away = measured ? 0 : (expected.winner.spilled ?? 0);
  if (away > 0) assumptions.push(spillWords(facts, away));
  return {
    memory: {
      value: top.bytes,
      low: top.low,
      high: top.high,
      capacity,
      fits,
      ...(open !== undefined && { open }),
      ...(decides !== undefined && { decides }),
      phase: top.moment.phase,
      allocated: top.moment.allocated - (top.moment.managed ?? 0),
      ...(away > 0 && { spilled: away }),
      ...(measured?.from !== undefined && { measured: measured.from }),
      breakdown: breakdown(top),
      phases: describePhases({ ...expected.phases, [top.moment.phase]: top }),
    },
    assumptions,
  };
}

/** That paged state leaves the GPU is no error, and makes steps slower. */
function spillWords({ optimizer }: Facts, bytes: number): Assumption {
  return {
    what: optimizer.label,
    value: `${formatGib(bytes)} of each GPU's on the host`,
    because:
      'paged state leaves the GPU where it has no room, and comes back over PCIe at every step; the step time does not count that',
  };
}

/** What was measured of this very run in place of what is predicted; of another state of its files, only that it was. */
function measuredOf(
  run: TrainingRun,
  facts: Facts,
  predicted: Parameters<typeof measuredPeak>[1],
  assumptions: Assumption[],
): MeasuredPeak | undefined {
  if (run.measured === undefined) return undefined;
  if (facts.driver) {
    const because = 'measured on this machine; they do not depend on model or batch';
    assumptions.push({
      what: 'CUDA context and NCCL',
      value: `${formatGib(facts.driver.value)}, ${facts.driver.from}`,
      because,
    });
  }
  const own = measurementOf(run);
  const peak = own && measuredPeak(facts, predicted, own);
  if (peak) assumptions.push(peak.assumption);
  const stale = own ? undefined : run.measured.findLast(({ isOwn }) => isOwn);
  if (stale) {
    const because = `it was taken of another run: ${differences(stale.run, run).join('; ')}`;
    assumptions.push({ what: `measurement "${stale.name}"`, value: 'not used', because });
  }
  return peak;
}

/** The estimate at one end of what had to be assumed. */
function corner(run: TrainingRun, which: Corner): { readonly low: number; readonly high: number } {
  const facts = factsOnce(run, which, () => undefined);
  return facts === undefined ? { low: 0, high: Number.POSITIVE_INFINITY } : peaks(facts);
}
