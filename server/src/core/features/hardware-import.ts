import type { HardwareImport, Origin } from '../hardware/import';
import { basename } from '../paths';

/** An import as people read it: sections of lines, the same for the command line and the editor. */
export interface ImportReport {
  readonly title: string;
  /** `NVSwitch 450 GB/s`, by where it is; empty where the machine is not known. */
  readonly links: readonly (readonly [where: string, link: string])[];
  /** Value by value: its place in the description, the value, where it was read, the words. */
  readonly values: readonly (readonly [key: string, value: string, place: string, words: string])[];
  readonly unknown: readonly string[];
  readonly notes: readonly string[];
  /** Machines of the catalog that it looks like. */
  readonly suggestions: readonly string[];
}

/** Words for what was imported. */
export function importReport(it: HardwareImport): ImportReport {
  return {
    title: it.cluster ? it.cluster.label : 'A machine whose GPU is not known',
    links: linksOf(it),
    values: it.values.map(({ key, value, origin, because }) => [
      key,
      String(value),
      origin ? placeOf(origin) : 'as said',
      [origin?.text ?? '', because === undefined ? '' : `(${because})`].filter((part) => part !== '').join(' '),
    ]),
    unknown: it.unknown.map(({ what, because }) => `${what}: ${because}`),
    notes: it.remarks.map(({ message, origin }) => (origin ? `${message} (${placeOf(origin)})` : message)),
    suggestions: it.looksLike.map(({ id, agrees, differs }) => {
      const but = differs.length > 0 ? `; it has ${differs.join(', ')}` : '';
      return `${id}: ${agrees.join(', ')} agree${but}`;
    }),
  };
}

/** What the catalog makes of the paths: generation and rate of the links that the estimates count with. */
function linksOf({ cluster }: HardwareImport): ImportReport['links'] {
  if (!cluster) return [];
  const { intra, inter, gpusPerNode, nodes, host } = cluster;
  return [
    ...(gpusPerNode > 1 ? [['Inside a node', intra.label] as const] : []),
    ...(nodes > 1 ? [['Between nodes', inter.label] as const] : []),
    ['To the host', host.pcieLabel],
  ];
}

function placeOf({ path, line }: Origin): string {
  return `${basename(path)}:${line}`;
}
