import type { Path } from '../../source';
import type { Fact, Facts, LineReader, Origin, Place, Reading } from './facts';
import { wordsOf } from './facts';

/** Memory of one chip, bytes, and the chip, for machines that do not name themselves (AWS Neuron documentation, neuron-ls). */
const CHIPS: readonly (readonly [number, number, string])[] = [
  [8, 4, 'aws-inferentia1'],
  [96, 8, 'aws-trainium2'],
  [144, 8, 'aws-trainium3'],
];

/** Reads the table of `neuron-ls`, with the instance type that newer versions print above it. */
export function neuronTableReader(): LineReader {
  let header = false;
  let instance: Fact<string> | undefined;
  const rows: { readonly cells: readonly string[]; readonly origin: Origin }[] = [];
  return {
    line(text: string, place: Place): void {
      if (text.startsWith('instance-type:')) instance ??= { value: text.slice(14).trim(), origin: place.origin() };
      else if (/^\| NEURON \| NEURON \|/.test(text)) header = true;
      else if (header && /^\| \d+ /.test(text) && rows.length < 256)
        rows.push({ cells: text.split('|').map((cell) => cell.trim()), origin: place.origin() });
    },
    done(): Reading | undefined {
      const [row] = rows;
      if (!row) return undefined;
      const gibibytes = Number(row.cells.map((cell) => /^(\d+) GB$/.exec(cell)?.[1]).find((it) => it !== undefined));
      const cores = Number(row.cells[2]);
      return reading({ instance, count: rows.length, gibibytes, cores, origin: row.origin });
    },
  };
}

/** Reads `neuron-ls --json-output`, and the object with shared fields that came after it. */
export function readNeuronJson(path: Path, text: string): Reading | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const top = recordOf(parsed);
  const list = Array.isArray(parsed) ? parsed : (top.neuron_devices ?? top.devices);
  const devices = Array.isArray(list)
    ? list.map(recordOf).filter((it) => 'neuron_device' in it || 'nc_count' in it)
    : [];
  const [device] = devices;
  if (!device) return undefined;
  const origin = (key: string, value: unknown): Origin => ({
    path,
    line: lineOf(text, `"${key}"`),
    text: wordsOf(`"${key}": ${JSON.stringify(value)}`),
  });
  const named = typeof top.instance_type === 'string' ? top.instance_type : device.instance_type;
  return reading({
    instance: typeof named === 'string' ? { value: named, origin: origin('instance_type', named) } : undefined,
    count: devices.length,
    gibibytes: Number(device.memory_size) / 2 ** 30,
    cores: Number(device.nc_count),
    origin: origin('neuron_device' in device ? 'neuron_device' : 'nc_count', device.neuron_device ?? device.nc_count),
  });
}

interface Neuron {
  readonly instance: Fact<string> | undefined;
  readonly count: number;
  readonly gibibytes: number;
  readonly cores: number;
  readonly origin: Origin;
}

function reading({ instance, count, gibibytes, cores, origin }: Neuron): Reading {
  // Trainium1 and Inferentia2 both have 32 GiB and two cores; which of them, only the instance type says.
  const chip = CHIPS.find(([memory, most]) => memory === gibibytes && (cores === most || cores * 2 === most))?.[2];
  const facts: Facts = {
    instance,
    gpuName: chip === undefined ? undefined : { value: chip, origin },
    gpusInMachine: { value: count, origin },
    gpuMemoryMiB: gibibytes > 0 ? { value: gibibytes * 1024, origin } : undefined,
  };
  return { formats: ['neuron-ls'], facts, remarks: [] };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function lineOf(text: string, words: string): number {
  const at = text.indexOf(words);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}
