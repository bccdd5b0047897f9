import { differences, isSameMachine } from '../../calibrate/fingerprint';
import type { MeasuredFigure, RunMeasurement } from '../../calibrate/measurement';
import type { TrainingRun } from '../../run/training-run';
import { formatGib } from '../../text/format';
import type { Assumption, MemoryGroup } from '../estimate';
import { driverBytes, overheadParts } from './allocator';
import { allocatedBand, type Band } from './band';
import type { Facts } from './facts';
import { type Part, sumBytes } from './part';
import type { Moment } from './phases';

/** How much a run may differ from itself: a judgement, not a measurement; data order and the allocator's history vary. */
const RUN_TO_RUN = 0.02;
/** What context and communicators can take at all; beyond it another process was in the figure. */
const DRIVER = { least: 0.1 * 2 ** 30, most: 8 * 2 ** 30, widest: 0.6 * 2 ** 30 };

/** What the driver adds to reserved memory, in bytes. */
export interface MeasuredDriver extends Band {
  readonly value: number;
  /** As `smi.log:7 − run.log:123`. */
  readonly from: string;
}

/**
 * Context and NCCL from a run on the same machine with the same groups of ranks. Nothing else of a measurement holds for
 * another run. Undefined where driver and reserved peak were not both measured, or where their rounding leaves too much open.
 */
export function measuredDriver(run: TrainingRun): MeasuredDriver | undefined {
  for (const { figures, run: of, machine } of run.measured ?? []) {
    const { driver, reserved } = figures;
    if (driver?.bound !== 'peak' || reserved?.bound !== 'peak') continue;
    const [low, high] = [driver.low - reserved.high, driver.high - reserved.low];
    const isUsable = low >= DRIVER.least && high <= DRIVER.most && high - low <= DRIVER.widest;
    if (!isUsable || !isSameMachine(of, machine, run)) continue;
    const value = driver.value - reserved.value;
    return { value, low, high, from: `${driver.from} − ${reserved.from}` };
  }
  return undefined;
}

/** The measurement of this very run; the last one that was taken. */
export function measurementOf(run: TrainingRun): RunMeasurement | undefined {
  return run.measured?.findLast((it) => differences(it.run, run).length === 0);
}

/** A peak as a measurement shows it: its bill, and the band of what must fit. */
export interface MeasuredPeak extends Band {
  readonly moment: Moment;
  readonly overhead: readonly Part[];
  readonly bytes: number;
  readonly assumption: Assumption;
  /** Where the peak was read; undefined where only a lower bound was. */
  readonly from: string | undefined;
}

interface Predicted extends Band {
  readonly moment: Moment;
  readonly overhead: readonly Part[];
  readonly bytes: number;
  readonly standing: number;
}

/** The predicted peak with what was measured in its place. Undefined where no memory was measured. */
export function measuredPeak(facts: Facts, predicted: Predicted, of: RunMeasurement): MeasuredPeak | undefined {
  const whole = wholeOf(facts, predicted, of.figures);
  const least = leastOf(facts, of.figures);
  const band = whole ?? { value: predicted.bytes, low: predicted.low, high: predicted.high };
  const isRaised = least !== undefined && least.bytes > band.low;
  if (!whole && !isRaised) return undefined;
  const low = isRaised ? least.bytes : band.low;
  const value = Math.max(band.value, low);
  const high = Math.max(band.high, value);
  const from = whole?.from ?? least?.from ?? '';
  const { moment, overhead } = reconciled(facts, predicted, { value, allocated: of.figures.allocated, from });
  return { moment, overhead, bytes: value, low, high, assumption: words(whole, least, from), from: whole?.from };
}

interface Whole extends Band {
  readonly value: number;
  readonly from: string;
  readonly basis: string;
}

type Figures = RunMeasurement['figures'];

/** What must fit, from the figure that says most of it; what that figure lacks stays predicted. */
function wholeOf(facts: Facts, { standing }: Predicted, figures: Figures): Whole | undefined {
  const driver = driverBytes(facts);
  const peak = (it: MeasuredFigure | undefined): MeasuredFigure | undefined => (it?.bound === 'peak' ? it : undefined);
  const [used, reserved, allocated] = [peak(figures.driver), peak(figures.reserved), peak(figures.allocated)];
  // A run that was measured ran, so neither end of its band says that it does not fit.
  const mostOf = (value: number, high: number): number => Math.min(high, Math.max(value, facts.capacity ?? high));
  const lowest = (low: number): number => Math.min(low, facts.capacity ?? low);
  if (used) {
    const [low, high] = [lowest(used.low * (1 - RUN_TO_RUN)), used.high * (1 + RUN_TO_RUN)];
    return { value: used.value, low, high: mostOf(used.value, high), from: used.from, basis: 'in use by the driver' };
  }
  if (reserved) {
    const value = reserved.value + driver.context + driver.nccl;
    const high = reserved.high * (1 + RUN_TO_RUN) + driver.high;
    const basis = 'reserved by the allocator; context and NCCL are predicted';
    return {
      value,
      low: lowest(reserved.low * (1 - RUN_TO_RUN) + driver.low),
      high: mostOf(value, high),
      from: reserved.from,
      basis,
    };
  }
  if (!allocated) return undefined;
  const value =
    allocated.value +
    sumBytes(
      overheadParts(facts, allocated.value, { transient: Math.max(0, allocated.value - standing), flat: 0, kept: 0 }),
    );
  const sure = { low: allocated.low * (1 - RUN_TO_RUN), high: allocated.high * (1 + RUN_TO_RUN) };
  const band = allocatedBand(facts, { value: allocated.value, ...sure }, standing);
  const basis = "allocated; the allocator's cache, context and NCCL are predicted";
  return {
    value,
    low: lowest(Math.min(value, band.low)),
    high: Math.max(value, band.high),
    from: allocated.from,
    basis,
  };
}

/** The most that a lower bound asks for. */
function leastOf(facts: Facts, figures: Figures): { readonly bytes: number; readonly from: string } | undefined {
  const added = driverBytes(facts).low;
  let most: { readonly bytes: number; readonly from: string } | undefined;
  for (const figure of ['driver', 'reserved', 'allocated'] as const) {
    const own = figures[figure];
    if (own?.bound !== 'at-least') continue;
    const bytes = own.low + (figure === 'driver' ? 0 : added);
    if (bytes > (most?.bytes ?? 0)) most = { bytes, from: own.from };
  }
  return most;
}

function words(whole: Whole | undefined, least: { readonly from: string } | undefined, from: string): Assumption {
  const what = 'memory of this run';
  if (!whole) {
    return {
      what,
      value: `at least what was measured, ${least?.from ?? from}`,
      because: 'the log shows a lower bound and no peak',
    };
  }
  const because = `${whole.basis}; ${100 * RUN_TO_RUN} % from run to run is a judgement`;
  return { what, value: `measured, ${from}`, because };
}

interface Target {
  readonly value: number;
  readonly allocated: MeasuredFigure | undefined;
  readonly from: string;
}

/** A bill that comes to what was measured: what is missing is a line of its own, what is too much goes off what comes and goes. */
function reconciled(
  facts: Facts,
  predicted: Predicted,
  { value, allocated, from }: Target,
): { readonly moment: Moment; readonly overhead: readonly Part[] } {
  const isPeak = allocated?.bound === 'peak' && allocated.value <= value;
  const tensors = isPeak
    ? changed(predicted.moment.parts, allocated.value - predicted.moment.allocated, 'activations', allocated.from)
    : predicted.moment.parts;
  const now = isPeak ? allocated.value : predicted.moment.allocated;
  const standing = Math.min(predicted.standing, now);
  const own = isPeak ? overheadParts(facts, now, { transient: now - standing, flat: 0, kept: 0 }) : predicted.overhead;
  const left = value - now - sumBytes(own);
  const overhead = changed(own, Math.max(left, -sumBytes(own)), 'fragmentation', from);
  // Where even without any overhead too much is left, the tensors are fewer than predicted.
  const over = value - now - sumBytes(overhead);
  const parts = over < 0 ? changed(tensors, over, 'activations', from) : tensors;
  return { moment: { ...predicted.moment, parts, allocated: sumBytes(parts) }, overhead };
}

const SHRINK: readonly MemoryGroup[] = [
  'fragmentation',
  'activations',
  'logits',
  'buffers',
  'context',
  'gradients',
  'optimizer',
  'parameters',
];

function changed(parts: readonly Part[], bytes: number, group: MemoryGroup, from: string): readonly Part[] {
  // A byte is the rounding of sums, not a difference.
  if (Math.abs(bytes) < 1) return parts;
  const source = `measured, ${from}`;
  if (bytes > 0) {
    const label = (): string => 'measured beyond what is counted';
    return [
      ...parts,
      { id: `measured.${group}`, group, bytes, label, formula: () => 'measured − predicted', source, from: [] },
    ];
  }
  let over = -bytes;
  const taken = new Map<Part, number>();
  for (const part of [...parts].sort((a, b) => SHRINK.indexOf(a.group) - SHRINK.indexOf(b.group))) {
    const less = Math.min(over, part.bytes);
    over -= less;
    if (less > 0) taken.set(part, less);
  }
  return parts.map((part) => {
    const less = taken.get(part);
    if (less === undefined) return part;
    const formula = (): string => `${part.formula()}, less ${formatGib(less)} by what was measured (${from})`;
    return { ...part, bytes: part.bytes - less, formula };
  });
}
