import type { HardwareCatalog } from '../../catalogs';
import type { Path } from '../../source';
import { assemble, type Imported } from './assemble';
import type { Format, Reading } from './facts';
import { hostReader } from './host';
import { readLines } from './lines';
import { mergeReadings } from './merge';
import { ncclReader } from './nccl';
import { neuronTableReader, readNeuronJson } from './neuron-ls';
import { nvidiaSmiReader } from './nvidia-smi';
import { nvidiaTopoReader } from './nvidia-topo';
import { rocmSmiReader } from './rocm-smi';
import { isTopologyXml, readTopologyXml } from './topology-xml';

export type { Imported } from './assemble';
export type { ImportedValue } from './draft';
export type { Format, Origin, Remark } from './facts';
export type { Likeness } from './looks-like';

/** A text that a machine printed, under the name it is shown with. */
export interface Printed {
  readonly path: Path;
  readonly text: string;
}

export interface HardwareImport extends Imported {
  /** What each text was taken for; no format: nothing in it was recognised. */
  readonly files: readonly { readonly path: Path; readonly formats: readonly Format[] }[];
}

/**
 * What the outputs of a machine's tools and the logs of its runs say about it, as a cluster description with the origin of
 * each value. The texts are told apart by content and describe one machine together. Never throws; time grows with the
 * length of the texts. `hardware` is a catalog id for what the texts do not say.
 */
export function importHardware(
  printed: readonly Printed[],
  options: { readonly catalog: HardwareCatalog; readonly hardware?: string | undefined },
): HardwareImport {
  // A run's hosts and ranks often log into a file each: they are read as one log.
  const nccl = ncclReader();
  const readings: Reading[] = [];
  const files = printed.map(({ path, text }) => {
    const found = readOne({ path, text }, nccl);
    readings.push(...found);
    const formats = found.flatMap((reading) => reading.formats);
    return { path, formats: text.includes('NCCL INFO ') ? [...formats, 'NCCL log' as const] : formats };
  });
  const log = nccl.done();
  if (log) readings.push(log);
  const { facts, remarks } = mergeReadings(readings);
  const imported = assemble(facts, { catalog: options.catalog, hardware: options.hardware });
  return { ...imported, remarks: [...imported.remarks, ...remarks], files };
}

function readOne({ path, text }: Printed, nccl: ReturnType<typeof ncclReader>): Reading[] {
  if (isTopologyXml(text)) return [readTopologyXml(path, text)];
  if (/^\s*[[{]/.test(text.slice(0, 200))) {
    const neuron = readNeuronJson(path, text);
    if (neuron) return [neuron];
  }
  const own = [nvidiaSmiReader(), nvidiaTopoReader(), rocmSmiReader(), neuronTableReader(), hostReader()];
  const unfinished = { line: nccl.line.bind(nccl), done: () => undefined };
  return readLines(path, text, [unfinished, ...own]);
}
