import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { Estimate, MemoryGroup, Phase, Quantity, TimeTerm, Traffic } from '../estimate/estimate';
import { predictedFigures } from '../estimate/memory/predicted';
import type { Cluster, Link } from '../hardware/hardware';
import type { Scaling } from '../recommend/scaling';
import type { Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Path } from '../source';
import { checkpointTable, commonTable, hostTable, memoryTables } from './bill-memory';
import type { BillTable } from './bill-table';
import { linkTable, offloadTable, stepTable } from './bill-time';
import { type Fact, factsOf } from './breakdown';
import type { LargestTerm } from './largest-terms';
import { largestWords } from './largest-words';
import { isTraining, summaryOf } from './lens';

/** What the breakdown view draws: plain data, the same in the editor and in a page of its own. */
export interface BreakdownView {
  /** Name of the file. */
  readonly title: string;
  readonly summary: string;
  readonly memory: MemoryView | null;
  readonly step: StepView | null;
  readonly node: NodeView | null;
  readonly facts: readonly FactView[];
  readonly assumptions: readonly AssumptionView[];
  readonly scaling: Scaling | null;
  readonly tables: Readonly<Record<'memory' | 'step' | 'traffic', readonly BillTable[]>>;
}

export interface MemoryView {
  /** Of the phase that needs most, bytes. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly capacity: number | null;
  readonly fits: boolean | null;
  /** Where it cannot be told, what would decide it. */
  readonly decides: string | null;
  /** It cannot be told because of what is not known, and not because it is close. */
  readonly isOpen: boolean;
  /** Where the peak was measured, as `run.log:123`, and what had been predicted; null for a run that was only predicted. */
  readonly measured: { readonly from: string; readonly predicted: Quantity | null } | null;
  readonly peak: Phase;
  readonly phases: readonly PhaseView[];
  /** The largest terms, each with the setting that makes it smaller; keys in backticks. */
  readonly largest: readonly string[];
}

export interface PhaseView {
  readonly phase: Phase;
  readonly bytes: number;
  readonly moment: string;
  readonly groups: readonly { readonly group: MemoryGroup; readonly bytes: number }[];
}

export interface StepView {
  /** What this very run took, and the log it was read in; the other figures are predicted. */
  readonly measured: (Quantity & { readonly from: string }) | null;
  readonly seconds: number;
  readonly low: number;
  readonly high: number;
  readonly bottleneck: string;
  /** One for each thing the step does, its visible and its hidden part together. */
  readonly terms: readonly StepTermView[];
}

export interface StepTermView {
  readonly label: string;
  readonly group: TimeTerm['group'];
  /** Adds to the step. */
  readonly seconds: number;
  /** Runs beside other work. */
  readonly hiddenSeconds: number;
  readonly traffic: Traffic | null;
}

/** The links of one node. Rates are per GPU and direction, bytes/s, as a large collective sees them. */
export interface NodeView {
  readonly label: string;
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly accelerator: string;
  readonly links: readonly LinkView[];
}

export interface LinkView {
  readonly link: Traffic['link'];
  readonly label: string;
  readonly bytesPerSecond: number | null;
  /** What a ring over all GPUs reaches between nodes, where the cards of a node work together; null inside a node. */
  readonly ringBytesPerSecond: number | null;
  /** How the rate is known; empty where the label says it. */
  readonly basis: string;
}

/** What the user can do to change a fact. */
export type SetAction = 'set-model' | 'set-sequence-length' | 'pick-target' | 'calibrate' | 'open-settings';

export interface FactView {
  readonly what: string;
  readonly value: string;
  readonly from: string;
  readonly set: SetAction | null;
  /** Where it is written; lines count from 0. */
  readonly place: { readonly path: Path; readonly line: number; readonly key: string } | null;
}

export interface AssumptionView {
  readonly what: string;
  readonly value: string;
  readonly because: string;
  readonly set: SetAction | null;
  /** The key of shardlens.json that settles it, where there is one. */
  readonly key: string | null;
}

/** The view of one file's run; undefined where there is no run to show. */
export function breakdownView(
  analysis: Analysis,
  catalogs: Catalogs,
  scaling: Scaling | undefined,
  largest: readonly LargestTerm[] = [],
): BreakdownView | undefined {
  const { run } = analysis;
  const estimate = analysis.estimate();
  if (!run || !estimate || !isTraining(analysis)) return undefined;
  return {
    title: analysis.file.path.slice(analysis.file.path.lastIndexOf('/') + 1),
    summary: summaryOf(run, estimate, catalogs),
    memory: memoryView(run, estimate, largestWords(largest, analysis.file.path)),
    step: stepView(estimate),
    node: run.cluster.known ? nodeView(run.cluster.value, estimate) : null,
    facts: factsOf(run).map((fact) => factView(fact, run)),
    assumptions: estimate.assumptions.map((it) => ({ ...it, ...settled(it.what, it.because) })),
    scaling: scaling ?? null,
    tables: {
      memory: [
        ...memoryTables(estimate, run),
        ...commonTable(estimate, catalogs),
        ...hostTable(estimate),
        ...checkpointTable(estimate),
      ],
      step: stepTable(estimate, run),
      traffic: [...linkTable(estimate), ...offloadTable(estimate)],
    },
  };
}

const PHASES: readonly Phase[] = ['load', 'step', 'eval', 'save'];

function memoryView(run: TrainingRun, { memory }: Estimate, largest: readonly string[]): MemoryView | null {
  if (!memory) return null;
  const { value, low, high, capacity, fits, decides = null, phase: peak, phases } = memory;
  const shown = PHASES.flatMap((phase) => {
    const it = phases[phase];
    if (!it) return [];
    const groups = new Map<MemoryGroup, number>();
    for (const { group, bytes } of it.terms) groups.set(group, (groups.get(group) ?? 0) + bytes);
    const list = [...groups].map(([group, bytes]) => ({ group, bytes }));
    return [{ phase, bytes: it.bytes, moment: it.moment, groups: list }];
  });
  const measured =
    memory.measured === undefined ? null : { from: memory.measured, predicted: predictedFigures(run)?.driver ?? null };
  const isOpen = memory.open !== undefined;
  return { value, low, high, capacity, fits, decides, isOpen, measured, peak, phases: shown, largest };
}

function stepView({ step }: Estimate): StepView | null {
  if (!step) return null;
  const terms = new Map<string, StepTermView>();
  for (const { id, label, group, seconds, overlapped, traffic } of step.terms) {
    const own = overlapped ? id.replace(/\.hidden$/, '') : id;
    const before = terms.get(own);
    terms.set(own, {
      label: before?.label ?? label.replace(/ \(hidden\)$/, ''),
      group,
      seconds: (before?.seconds ?? 0) + (overlapped ? 0 : seconds),
      hiddenSeconds: (before?.hiddenSeconds ?? 0) + (overlapped ? seconds : 0),
      traffic: traffic ? added(traffic, before?.traffic) : null,
    });
  }
  const { seconds, low, high, bottleneck, measured = null } = step;
  return { seconds, low, high, bottleneck, measured, terms: [...terms.values()] };
}

/** Both parts of a term that is partly hidden. */
function added(one: Traffic, other: Traffic | null | undefined): Traffic {
  const inside = (one.inside ?? 0) + (other?.inside ?? 0);
  return { link: one.link, bytes: one.bytes + (other?.bytes ?? 0), ...(inside > 0 && { inside }) };
}

function nodeView(cluster: Cluster, { step }: Estimate): NodeView {
  const { label, nodes, gpusPerNode, accelerator, intra, beyondDomain, inter, host } = cluster;
  const links: LinkView[] = [];
  if (gpusPerNode > 1) {
    links.push(linkView('intra', intra));
    if (beyondDomain) links.push(linkView('intra', beyondDomain));
  }
  if (inter.kind !== 'none') links.push(linkView('inter', inter));
  links.push({
    link: 'host',
    label: host.pcieLabel,
    bytesPerSecond: host.pcieBytesPerSecondPerGpu,
    ringBytesPerSecond: null,
    basis: '',
  });
  if (step?.terms.some(({ traffic }) => traffic?.link === 'nvme')) {
    const read = host.nvmeReadBytesPerSecond ?? null;
    const basis =
      read === null ? 'not known' : host.nvmeMeasured ? 'measured, per node' : 'counted from drives, per node';
    links.push({ link: 'nvme', label: 'NVMe drives', bytesPerSecond: read, ringBytesPerSecond: null, basis });
  }
  return { label, nodes, gpusPerNode, accelerator: accelerator.name, links };
}

function linkView(link: 'intra' | 'inter', { label, bytesPerSecond, ringBytesPerSecond, basis }: Link): LinkView {
  const finite = (rate: number) => (Number.isFinite(rate) ? rate : null);
  const ring = link === 'inter' ? finite(ringBytesPerSecond) : null;
  return { link, label, bytesPerSecond: finite(bytesPerSecond), ringBytesPerSecond: ring, basis };
}

/** Commands of the editor that change a fact of the run. */
const FACT_ACTIONS: Readonly<Record<string, SetAction>> = {
  model: 'set-model',
  hardware: 'pick-target',
  GPUs: 'pick-target',
  'sequence length': 'set-sequence-length',
};

function factView({ what, value, from, origin }: Fact, run: TrainingRun): FactView {
  return { what, value, from, set: FACT_ACTIONS[what] ?? null, place: origin ? placeOf(origin, run) : null };
}

/** The first place in a file that a value leads back to. */
function placeOf(origin: Origin, run: TrainingRun): FactView['place'] {
  if (origin.kind === 'derived') {
    for (const one of origin.from) {
      const place = placeOf(one, run);
      if (place) return place;
    }
  }
  if (origin.kind !== 'file') return null;
  const config = Object.values(run.configs).find((it) => it?.file.path === origin.path);
  const line = config?.file.lines.positionAt(origin.start).line ?? 0;
  return { path: origin.path, line, key: origin.key };
}

/** What settles an assumption, by what it is about; those that follow from the files alone have nothing to press. */
const ASSUMPTION_ACTIONS: Readonly<Record<string, SetAction>> = {
  ...FACT_ACTIONS,
  'mean sequence length': 'open-settings',
  'whether it fits': 'calibrate',
  'world size': 'pick-target',
  'GPUs per node': 'pick-target',
  'GPU memory': 'pick-target',
  link: 'pick-target',
  NVMe: 'pick-target',
};

const KEYS: Readonly<Record<string, string>> = { 'mean sequence length': 'meanSequenceLength' };

/** "step time: not known, because: model: no file names it" is settled by what settles the model. */
function settled(what: string, because: string): Pick<AssumptionView, 'set' | 'key'> {
  const about = ASSUMPTION_ACTIONS[what] ? what : because.slice(0, Math.max(0, because.indexOf(':')));
  return { set: ASSUMPTION_ACTIONS[about] ?? null, key: KEYS[about] ?? null };
}
