import type { Analysis, Overrides } from '../analysis';
import { type AnalysisInput, analyze } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import type { Cluster } from '../hardware/hardware';
import type { TrainingRun } from '../run/training-run';
import type { SourceFile } from '../source';
import { type Cost, costOf } from './price';

/** A machine of the catalog, or a target of the user's, with as many nodes as the run needs to surely fit. */
export interface Machine extends Cost {
  /** Catalog id, or the name of the target. */
  readonly id: string;
  readonly cluster: Cluster;
  readonly nodes: number;
  readonly gpus: number;
  readonly estimate: Estimate;
}

export interface Machines {
  /** The cheapest first, then the fastest of those without a price. */
  readonly fitting: readonly Machine[];
  /** Ids on which it does not surely fit, on any number of nodes tried, or that lack what the run needs. */
  readonly others: readonly { readonly id: string; readonly why: string }[];
  /** Why nothing can be said; undefined where something can. */
  readonly why: string | undefined;
}

/** Nodes tried; a run that needs more is no run to start from a table. */
const NODES = [1, 2, 4, 8, 16, 32] as const;

/** Machines nobody trains a transformer on: no matrix units that torch drives, or long gone. */
const NOT_FOR_TRAINING = /fpga|obsolete|fractional|^inference/;

/** Vendors whose chips need another build of the frameworks, so that these files do not run there as they are. */
const OTHER_STACKS: Readonly<Record<string, string>> = {
  AWS: 'Trainium needs optimum-neuron instead of these libraries',
  Google: 'TPUs need PyTorch/XLA instead of these libraries',
  Intel: 'Gaudi needs optimum-habana instead of these libraries',
};

/** What a machine can lack; other findings are about the files, and the same everywhere. */
const LACKS: ReadonlySet<string> = new Set([
  'bf16-unsupported-by-gpu',
  'fp8-unsupported-by-gpu',
  'flash-attention-unsupported-by-gpu',
  'accelerator-not-for-training',
]);

/**
 * Places the run on each machine of the catalog, with all its GPUs, on the fewest nodes on which it surely fits. The batch
 * of each GPU stays as written, so the global batch grows with the GPUs; that is why rates are compared, not steps.
 * Pauses after each machine with the number done. Pure.
 */
export function* findMachines(file: SourceFile, input: AnalysisInput): Generator<number, Machines, void> {
  const { run } = analyze(file, input);
  if (!run) return nothing('this file describes no training run');
  if (!run.model.known) return nothing(`the model is not known: ${run.model.why}`);
  const { hardware } = input.catalogs;
  const fitting: Machine[] = [];
  const others: { id: string; why: string }[] = [];
  let done = 0;
  for (const id of hardware.instanceIds()) {
    const record = hardware.instance(id);
    if (!record || NOT_FOR_TRAINING.test(record.role)) continue;
    const placed = place(id, file, input);
    if ('why' in placed) others.push({ id, why: placed.why });
    else fitting.push(placed);
    yield ++done;
  }
  fitting.sort(byPrice);
  return { fitting, others, why: fitting.length > 0 ? undefined : 'it surely fits on no machine of the catalog' };
}

function nothing(why: string): Machines {
  return { fitting: [], others: [], why };
}

function place(id: string, file: SourceFile, input: AnalysisInput): Machine | { readonly why: string } {
  let least = Number.POSITIVE_INFINITY;
  for (const nodes of NODES) {
    const analysis = on(id, nodes, file, input);
    const estimate = analysis.estimate();
    const { run } = analysis;
    if (!run?.cluster.known || !estimate?.memory) return { why: reason(estimate) };
    const stack = OTHER_STACKS[run.cluster.value.accelerator.vendor];
    if (stack) return { why: stack };
    const { memory, host } = estimate;
    if (memory.fits === true && host?.fits !== false) {
      const lacking = analysis.findings().find(({ rule, severity }) => severity === 'error' && LACKS.has(rule));
      return lacking ? { why: lacking.message } : machine(id, nodes, run, run.cluster.value, estimate);
    }
    // Where more nodes take nothing off a GPU, still more will not either.
    if (memory.high >= least * 0.999) break;
    least = memory.high;
  }
  return { why: 'does not surely fit' };
}

function reason(estimate: Estimate | undefined): string {
  const first = estimate?.assumptions.find(({ value }) => value === 'not known');
  return first ? `${first.what}: ${first.because}` : 'cannot be predicted';
}

/** The run on all GPUs of so many nodes. */
function on(hardware: string, nodes: number, file: SourceFile, input: AnalysisInput): Analysis {
  const gpusPerNode = input.catalogs.hardware.instance(hardware)?.accelerator_count ?? 1;
  const overrides: Overrides = { from: 'flag', ...input.overrides, hardware, nodes, gpusPerNode };
  return analyze(file, { ...input, overrides });
}

function machine(id: string, nodes: number, run: TrainingRun, cluster: Cluster, estimate: Estimate): Machine {
  return { id, cluster, nodes, gpus: nodes * cluster.gpusPerNode, estimate, ...costOf(estimate, cluster, run) };
}

function byPrice(a: Machine, b: Machine): number {
  const price =
    (a.usdPerBillionTokens ?? Number.POSITIVE_INFINITY) - (b.usdPerBillionTokens ?? Number.POSITIVE_INFINITY);
  if (price < 0 || price > 0) return price;
  return (b.tokensPerSecond ?? 0) - (a.tokensPerSecond ?? 0);
}
