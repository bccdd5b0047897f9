import type { Facts, Format, Reading, Remark } from './facts';

/** Sources in the order in which they are believed: a device's own tool before a topology, a topology before a run's log. */
const ORDER: readonly Format[] = [
  'nvidia-smi -q',
  'nvidia-smi --query-gpu',
  'nvidia-smi',
  'nvidia-smi -L',
  'rocm-smi',
  'neuron-ls',
  'lscpu',
  '/proc/meminfo',
  'nvidia-smi topo -m',
  'nvidia-smi topo -p2p',
  'NCCL topology XML',
  'NCCL log',
];

/** What only a run can tell, the log tells best; so it does the cards that its network really found. */
const OF_A_RUN = new Set<keyof Facts>([
  'nodes',
  'gpusPerNode',
  'nics',
  'nicsUsed',
  'nicGbps',
  'transport',
  'gpudirect',
]);

/** One set of facts from several sources about the same machine; where they disagree, that is said. */
export function mergeReadings(readings: readonly Reading[]): {
  readonly facts: Facts;
  readonly remarks: readonly Remark[];
} {
  const ranked = [...readings].sort((a, b) => rankOf(a) - rankOf(b));
  const byRun = [...ranked].reverse();
  const facts: Record<string, unknown> = {};
  for (const reading of readings) {
    for (const key of Object.keys(reading.facts) as (keyof Facts)[]) {
      if (key in facts) continue;
      const order = OF_A_RUN.has(key) ? byRun : ranked;
      const found = order.find((it) => it.facts[key] !== undefined)?.facts[key];
      if (found !== undefined) facts[key] = found;
    }
  }
  return { facts, remarks: [...readings.flatMap(({ remarks }) => remarks), ...disagreements(ranked)] };
}

function rankOf({ formats }: Reading): number {
  return Math.min(...formats.map((format) => ORDER.indexOf(format)));
}

function disagreements(readings: readonly Reading[]): readonly Remark[] {
  const found: Remark[] = [];
  for (const [key, what] of COMPARED) {
    const values = readings.flatMap(({ facts }) => facts[key] ?? []);
    const other = values.find(({ value }) => value !== values[0]?.value);
    if (values[0] && other)
      found.push({
        message: `${what} is ${values[0].value} in one file and ${other.value} in another; the first is taken`,
        origin: other.origin,
      });
  }
  for (const { facts } of readings) {
    const { gpuName, otherGpuName } = facts;
    if (gpuName && otherGpuName)
      found.push({
        message: `The machine has ${gpuName.value} and also ${otherGpuName.value}; a cluster here has one kind, and the first is taken`,
        origin: otherGpuName.origin,
      });
  }
  return found;
}

const COMPARED = [
  ['instance', 'The machine type'],
  ['gpuName', 'The GPU'],
  ['gpusInMachine', 'The number of GPUs'],
] as const;
