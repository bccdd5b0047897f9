import type { Overrides } from '../analysis';
import { type AnalysisInput, analyze } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import { buildCluster } from '../hardware/cluster';
import type { Cluster } from '../hardware/hardware';
import { valueIfKnown } from '../run/known';
import type { SourceFile } from '../source';
import { type Cost, costOf } from './price';
import { targetNames } from './targets';

/** A machine of the catalog, or a target of the user's, with as many nodes as the run needs to surely fit. */
export interface Machine extends Cost {
  /** Catalog id, or the name of the target. */
  readonly id: string;
  /** The target's name in shardlens.json; undefined for a machine of the catalog. */
  readonly target: string | undefined;
  readonly cluster: Cluster;
  readonly nodes: number;
  readonly gpus: number;
  readonly estimate: Estimate;
}

export interface Machines {
  /** The cheapest first, then the fastest of those without a price. */
  readonly fitting: readonly Machine[];
  /** Those on which it does not surely fit, on any number of nodes tried, or that lack what the run needs. */
  readonly others: readonly Unfit[];
  /** Why nothing can be said; undefined where something can. */
  readonly why: string | undefined;
}

export interface Unfit extends Pick<Machine, 'id' | 'target'> {
  readonly why: string;
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

/** A warning too: what an old chip only emulates is no place to start from. */
const STOPS: ReadonlySet<string> = new Set(['error', 'warning']);

/** What a machine can lack; other findings are about the files, and the same everywhere. */
const LACKS: ReadonlySet<string> = new Set([
  'bf16-unsupported-by-gpu',
  'fp8-unsupported-by-gpu',
  'flash-attention-unsupported-by-gpu',
  'accelerator-not-for-training',
]);

/**
 * Places the run on the user's targets and on each machine of the catalog with all its GPUs, on the fewest nodes on which it surely
 * fits; a target has no more than it names. The batch of each GPU stays as written, so the global batch grows with the GPUs; that is why rates are compared, not steps.
 * Pauses after each machine with the number done. Pure.
 */
export function* findMachines(file: SourceFile, input: AnalysisInput): Generator<number, Machines, void> {
  const { run } = analyze(file, input);
  if (!run) return nothing('this file describes no training run');
  if (!run.model.known) return nothing(`the model is not known: ${run.model.why}`);
  const { hardware } = input.catalogs;
  const fitting: Machine[] = [];
  const others: Unfit[] = [];
  const instances = hardware.instanceIds().filter((id) => {
    const record = hardware.instance(id);
    return record && !NOT_FOR_TRAINING.test(record.role);
  });
  const places = [
    ...targetNames(file, input).map((name) => onTarget(name, file, input)),
    ...instances.map((id) => onInstance(id, input)),
  ];
  for (const [done, where] of places.entries()) {
    const placed = place(where, file, input);
    if ('why' in placed) others.push(placed);
    else fitting.push(placed);
    yield done + 1;
  }
  fitting.sort(byPrice);
  const nowhere = places.length > instances.length ? 'on none of your targets and no machine' : 'on no machine';
  return { fitting, others, why: fitting.length > 0 ? undefined : `it surely fits ${nowhere} of the catalog` };
}

function nothing(why: string): Machines {
  return { fitting: [], others: [], why };
}

/** Somewhere to place the run. */
interface Place extends Pick<Machine, 'id' | 'target'> {
  /** Numbers of nodes to try, the fewest first. */
  readonly counts: readonly number[];
  /** The run there, on so many nodes. */
  readonly overrides: (nodes: number) => Overrides;
}

/** All GPUs of so many nodes. */
function onInstance(id: string, { catalogs, overrides }: AnalysisInput): Place {
  const built = buildCluster({ hardware: id }, { catalog: catalogs.hardware });
  const gpusPerNode = 'problem' in built ? 1 : built.cluster.gpusInNode;
  return {
    id,
    target: undefined,
    counts: NODES,
    overrides: (nodes) => ({ from: 'flag', ...overrides, hardware: id, nodes, gpusPerNode }),
  };
}

function onTarget(name: string, file: SourceFile, input: AnalysisInput): Place {
  const { hardware: _hardware, nodes: _nodes, gpusPerNode: _gpus, ...others } = input.overrides ?? {};
  const target: Overrides = { from: 'flag', ...others, target: name };
  const own = valueIfKnown(analyze(file, { ...input, overrides: target }).run?.nodes) ?? 1;
  return {
    id: name,
    target: name,
    counts: [...NODES.filter((count) => count < own), own],
    overrides: (nodes) => ({ ...target, nodes }),
  };
}

function place({ id, target, counts, overrides }: Place, file: SourceFile, input: AnalysisInput): Machine | Unfit {
  const unfit = (why: string): Unfit => ({ id, target, why });
  let least = Number.POSITIVE_INFINITY;
  for (const nodes of counts) {
    const analysis = analyze(file, { ...input, overrides: overrides(nodes) });
    const estimate = analysis.estimate();
    const { run } = analysis;
    if (run && !run.cluster.known) return unfit(run.cluster.why);
    if (!run?.cluster.known || !estimate?.memory) return unfit(reason(estimate));
    const stack = OTHER_STACKS[run.cluster.value.accelerator.vendor];
    if (stack) return unfit(stack);
    const { memory, host } = estimate;
    if (memory.fits === true && host?.fits !== false) {
      const lacking = analysis.findings().find(({ rule, severity }) => STOPS.has(severity) && LACKS.has(rule));
      if (lacking) return unfit(lacking.message);
      const cluster = run.cluster.value;
      return {
        id,
        target,
        cluster,
        nodes,
        gpus: nodes * cluster.gpusPerNode,
        estimate,
        ...costOf(estimate, cluster, run),
      };
    }
    // Where more nodes take nothing off a GPU, still more will not either.
    if (memory.high >= least * 0.999) break;
    least = memory.high;
  }
  return unfit('does not surely fit');
}

function reason(estimate: Estimate | undefined): string {
  const first = estimate?.assumptions.find(({ value }) => value === 'not known');
  return first ? `${first.what}: ${first.because}` : 'cannot be predicted';
}

function byPrice(a: Machine, b: Machine): number {
  const price =
    (a.usdPerBillionTokens ?? Number.POSITIVE_INFINITY) - (b.usdPerBillionTokens ?? Number.POSITIVE_INFINITY);
  if (price < 0 || price > 0) return price;
  return (b.tokensPerSecond ?? 0) - (a.tokensPerSecond ?? 0);
}
