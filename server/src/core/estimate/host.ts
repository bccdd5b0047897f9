import { valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { formatGib, formatParameters } from '../text/format';
import type { Assumption, HostMemoryEstimate, MemoryGroup } from './estimate';
import { hostLoad } from './host-load';
import { saveParts } from './host-save';
import { countActivations } from './memory/activations';
import type { Corner, Facts } from './memory/facts';
import { factsOnce } from './memory/facts-once';
import { stateFormula } from './memory/optimizer-state';
import { type Part, sumBytes, toTerm } from './memory/part';
import { peaks } from './memory/peaks';
import { persistentStates, type States } from './memory/states';

const GIB = 2 ** 30;
/** Python, torch and its CUDA libraries, one process per GPU: 1–3 GiB resident. */
const PROCESS_BYTES = 1.5 * GIB;

/**
 * Predicts host memory per node: what offload keeps there while training, the same with what a checkpoint takes there, or what
 * loading needs, whichever is most.
 * Null without a model, a sharding or the number of GPUs per node. Page cache and data loader workers are not counted.
 * Source: the fp32 partitions of deepspeed/runtime/zero/stage3.py, and loading as transformers' from_pretrained does it;
 * 20 bytes a parameter agree with the 161–184 GB used by an 8B run in gnosia93/training-on-eks.
 */
export function estimateHost(run: TrainingRun): {
  host: HostMemoryEstimate | null;
  assumptions: readonly Assumption[];
} {
  let isOpen = false;
  // The memory estimate says what is missing, and what was assumed.
  const facts = factsOnce(run, 'expected', (_, reach) => {
    isOpen ||= reach !== 'none';
  });
  if (facts === undefined) return { host: null, assumptions: [] };
  const ranks = facts.gpusPerNode;
  if (ranks === undefined) {
    const because = run.gpusPerNode.known ? 'not known' : run.gpusPerNode.why;
    return {
      host: null,
      assumptions: [
        { what: 'GPUs per node', value: 'not known', because: `${because}; host memory is counted per node` },
      ],
    };
  }
  const { moment, parts, low: ownLow, high: ownHigh, because } = needs(run, facts, ranks);
  const ends = isOpen ? (['low', 'high'] as const).flatMap((corner) => needsAt(run, corner, ranks)) : [];
  const low = Math.min(ownLow, ...ends.map((end) => end.low));
  const high = Math.max(ownHigh, ...ends.map((end) => end.high));
  const host = run.cluster.known ? run.cluster.value.host : undefined;
  const capacity = host?.memoryBytes ?? null;
  return {
    host: {
      bytes: sumBytes(parts),
      moment,
      low,
      high,
      capacity,
      fits: capacity === null ? null : high <= capacity ? true : low > capacity ? false : null,
      terms: parts.filter((part) => part.bytes > 0).map(toTerm),
    },
    assumptions: because ? [because] : [],
  };
}

interface Needs {
  readonly moment: HostMemoryEstimate['moment'];
  readonly parts: readonly Part[];
  readonly low: number;
  readonly high: number;
  /** What was assumed of loading. */
  readonly because: Assumption | undefined;
}

/** What is needed at one end of what had to be assumed. */
function needsAt(run: TrainingRun, corner: Corner, ranks: number): Needs[] {
  const facts = factsOnce(run, corner, () => undefined);
  return facts === undefined ? [] : [needs(run, facts, ranks)];
}

/** The moment that needs most, with its band, for one reading of the run. */
function needs(run: TrainingRun, facts: Facts, ranks: number): Needs {
  const states = persistentStates(facts);
  const processes: Part = {
    id: 'host.processes',
    group: 'context',
    bytes: PROCESS_BYTES * ranks,
    label: () => 'training processes',
    formula: () => `${ranks} ${ranks === 1 ? 'process' : 'processes'} × 1.5 GiB`,
    source: 'typical resident size of Python, torch and CUDA libraries',
    from: [],
  };
  const training = [
    ...offloadParts(facts, states, ranks),
    ...pagedParts(facts, ranks),
    ...activationParts(facts, ranks),
    processes,
  ];
  const saved = saveParts(run, facts, ranks);
  const load = hostLoad(run, facts, ranks);
  const savingParts = saved.length > 0 ? [...training, ...saved] : [];
  const [moment, parts] = largest([
    ['training', training],
    ['loading', [load.part, processes]],
    ['saving', savingParts],
  ]);
  const trains = sumBytes(training) - processes.bytes;
  const saves = sumBytes(savingParts) - processes.bytes;
  // A script that is not read may save nothing, or not the optimizer.
  const isSure = run.saves.known && run.savesOptimizer?.known !== false;
  const least = Math.max(trains, load.low, isSure ? saves : 0);
  // Pinned allocations are rounded up, in some torch versions to powers of two.
  const most = Math.max(trains, load.high, saves) * (isPinned(run) ? 1.3 : 1.1);
  const { because } = load;
  return { moment, parts, low: least * 0.95 + GIB * ranks, high: most + 3 * GIB * ranks, because };
}

type Moment = readonly [HostMemoryEstimate['moment'], readonly Part[]];

function largest(moments: readonly [Moment, ...Moment[]]): Moment {
  return moments.reduce((most, it) => (sumBytes(it[1]) > sumBytes(most[1]) ? it : most));
}

function isPinned(run: TrainingRun): boolean {
  const sharding = valueIfKnown(run.sharding);
  return sharding?.kind === 'zero' && valueIfKnown(sharding.pinMemory) === true;
}

/** Shards of all ranks of the node that live on the host, by what they are. What is on NVMe needs only its buffers. */
function offloadParts(facts: Facts, states: States, ranks: number): Part[] {
  const { offloaded } = states;
  const { sharding, trainable, shards } = facts;
  const zero = sharding.kind === 'zero' ? sharding : undefined;
  const optimizerOnDisk = zero !== undefined && valueIfKnown(zero.offloadOptimizer) === 'nvme';
  const weightsOnDisk = zero !== undefined && valueIfKnown(zero.offloadParam) === 'nvme';
  const each = (bytes: number): number => bytes * ranks;
  const share = `${ranks} of ${shards} shards`;
  const part = (id: string, group: MemoryGroup, bytes: number, label: string, formula: string): Part => ({
    id,
    group,
    bytes,
    label: () => label,
    formula: () => formula,
    source: zero === undefined ? 'torch FSDP, CPU offload' : 'deepspeed/runtime/zero/stage3.py, partitions on the host',
    from: [...facts.from.offload, ...facts.from.sharding],
  });
  const total = facts.counts.total;
  const formula = (bytes: number, parameters: number): string =>
    `${Math.round((1000 * bytes * shards) / parameters) / 1000} B × ${formatParameters(parameters)} parameters, ${share}`;
  const onHost = (id: string, group: MemoryGroup, bytes: number, label: string, parameters = trainable): Part =>
    part(id, group, each(bytes), label, formula(bytes, parameters));
  const moments = stateFormula(facts, offloaded.optimizer * shards, trainable);
  const parts = [
    onHost('host.weights', 'parameters', weightsOnDisk ? 0 : offloaded.weights, 'offloaded weights', total),
    onHost('host.gradients', 'gradients', offloaded.gradients, 'gradients received from the GPUs'),
    onHost('host.master', 'optimizer', optimizerOnDisk ? 0 : offloaded.master, 'fp32 copy of the weights'),
    part(
      'host.optimizer',
      'optimizer',
      optimizerOnDisk ? 0 : each(offloaded.optimizer),
      facts.optimizer.label,
      `${moments}, ${share}`,
    ),
  ];
  if (zero !== undefined && offloaded.master > 0) {
    const label = 'fp32 gradients for the CPU optimizer';
    parts.push(onHost('host.fp32-gradients', 'gradients', offloaded.master, label));
  }
  if (optimizerOnDisk || weightsOnDisk) {
    // buffer_count × buffer_size defaults of deepspeed/runtime/zero/offload_config.py: 4 × fp32 sub-group and 5 × 1e8 elements of 16 bits.
    const group = Math.min(1e9, trainable / shards);
    const states = optimizerOnDisk
      ? ([4 * 4 * group, `4 × 4 B × ${formatParameters(group)} elements`] as const)
      : undefined;
    const weights = weightsOnDisk ? ([5 * 1e8 * 2, '5 × 2 B × 100 M elements'] as const) : undefined;
    const kinds = [states, weights].flatMap((it) => (it ? [it] : []));
    const bytes = kinds.reduce((total, [one]) => total + one, 0);
    const buffers = `${ranks} ranks × (${kinds.map(([, words]) => words).join(' + ')})`;
    parts.push(part('host.buffers', 'buffers', each(bytes), 'pinned buffers for NVMe', buffers));
  }
  return parts;
}

/** Activations that wait there for backward, pinned. */
function activationParts(facts: Facts, ranks: number): Part[] {
  const each = facts.savedOnHost === 'nothing' ? 0 : countActivations(facts).onHost;
  if (each === 0) return [];
  return [
    {
      id: 'host.activations',
      group: 'activations',
      bytes: each * ranks,
      label: () => 'activations that wait for backward',
      formula: () => `${ranks} × ${formatGib(each)}`,
      source:
        'trl trl/models/activation_offloading.py (1.16.0); transformers src/transformers/modeling_utils.py:3156 (5.23.0)',
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
  ];
}

/** What of a paged optimizer's state has no room on the GPUs. */
function pagedParts(facts: Facts, ranks: number): Part[] {
  const each = facts.optimizer.paged === true ? (peaks(facts).winner.spilled ?? 0) : 0;
  if (each === 0) return [];
  return [
    {
      id: 'host.paged',
      group: 'optimizer',
      bytes: each * ranks,
      label: () => `${facts.optimizer.label}, paged out of the GPUs`,
      formula: () => `${ranks} × ${formatGib(each)}`,
      source: 'bitsandbytes/functional.py, get_paged: cudaMallocManaged',
      from: facts.from.optimizer,
    },
  ];
}
