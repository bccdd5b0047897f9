import type { Fact, Facts, Format, GpuLink, LineReader, Origin, Place, Reading } from './facts';
import { cpusOf } from './nccl-line';

/** Largest machine that lists its GPUs in one matrix. */
const MOST_GPUS = 144;

interface Row {
  readonly gpu: string;
  /** By column: `NV12`, `PIX`, `OK`. */
  readonly cells: ReadonlyMap<string, string>;
  readonly affinity: string | undefined;
  readonly numa: string | undefined;
  readonly origin: Origin;
}

/** Reads the matrices of `nvidia-smi topo -m` and `nvidia-smi topo -p2p r`. */
export function nvidiaTopoReader(): LineReader {
  return new TopoReader();
}

class TopoReader implements LineReader {
  private columns: readonly string[] | undefined;
  private header: Origin | undefined;
  private links: Row[] = [];
  private linkColumns: readonly string[] = [];
  private reads: Row[] = [];

  line(text: string, place: Place): void {
    if (text.length > 8000 || !/GPU\d/.test(text.slice(0, 40))) return;
    const columns = columnsOf(text);
    if (columns) {
      this.columns = columns;
      this.header = place.origin();
    } else if (this.columns) this.row(text, this.columns, place);
  }

  private row(text: string, columns: readonly string[], place: Place): void {
    const [name = '', ...words] = text.trim().split(/\s+/);
    if (!/^GPU\d+$/.test(name) || !columns.includes(name)) return;
    const cells = new Map(columns.map((column, index) => [column, words[index] ?? '']));
    if (cells.get(name) !== 'X') return;
    const [affinity, numa] = words.slice(columns.length);
    const row = { gpu: name, cells, affinity, numa, origin: place.origin() };
    const others = [...cells].filter(([column]) => column !== name && column.startsWith('GPU'));
    // A single GPU has no cells that tell the two tables apart; it says nothing about links either.
    const into = others.some(([, cell]) => /^(OK|CNS|NS|TNS|DR|GNS|U)$/.test(cell)) ? 'reads' : 'links';
    if (this[into].some(({ gpu }) => gpu === name)) return;
    if (this[into].length < MOST_GPUS) this[into].push(row);
    if (into === 'links') this.linkColumns = columns;
  }

  done(): Reading | undefined {
    const formats: Format[] = [];
    if (this.links.length > 0) formats.push('nvidia-smi topo -m');
    if (this.reads.length > 0) formats.push('nvidia-smi topo -p2p');
    if (formats.length === 0 || !this.header) return undefined;
    const gpus = this.linkColumns.filter((column) => column.startsWith('GPU'));
    const cut = this.links.length > 0 && this.links.length < gpus.length;
    const remarks = cut
      ? [{ message: `The matrix ends after ${this.links.length} of ${gpus.length} GPUs`, origin: this.header }]
      : [];
    return { formats, remarks, facts: { ...this.linkFacts(gpus), peerToPeer: this.readFacts() } };
  }

  private linkFacts(gpus: readonly string[]): Facts {
    const [first] = this.links;
    if (!first || !this.header) return {};
    const cards = this.linkColumns.filter((column) => !column.startsWith('GPU'));
    const numa = new Set(this.links.flatMap((row) => (/^\d+$/.test(row.numa ?? '') ? [row.numa] : [])));
    return {
      gpusInMachine: { value: gpus.length, origin: this.header },
      link: linkOf(this.links, gpus),
      vcpus: vcpusOf(this.links),
      numaNodes: numa.size > 0 ? { value: numa.size, origin: first.origin } : undefined,
      nics: cards.length > 0 ? { value: cards.length, origin: this.header } : undefined,
    };
  }

  private readFacts(): Fact<boolean> | undefined {
    const bad = this.reads.find(({ gpu, cells }) =>
      [...cells].some(([column, cell]) => column !== gpu && column.startsWith('GPU') && cell !== 'OK'),
    );
    const row = bad ?? this.reads[0];
    return row && { value: bad === undefined, origin: row.origin };
  }
}

/** The names in a header: GPUs, then network cards under whatever names, up to `CPU Affinity`. */
function columnsOf(text: string): readonly string[] | undefined {
  const end = text.search(/\s(CPU|NUMA|GPU NUMA) (Affinity|ID)/);
  const names = (end < 0 ? text : text.slice(0, end)).trim().split(/\s+/);
  const [first, second] = names;
  if (!first || !/^GPU\d+$/.test(first) || names.length > 2 * MOST_GPUS) return undefined;
  // A row begins with a GPU as well, but a cell follows, not a name.
  const isHeader =
    second === undefined ? end >= 0 || text.startsWith('\t') || text.startsWith(' ') : /^[A-Za-z]\w*\d$/.test(second);
  return isHeader && !/^NV\d+$/.test(second ?? '') ? names : undefined;
}

const WORSE = ['PIX', 'PXB', 'PHB', 'NODE', 'SYS'];

function linkOf(rows: readonly Row[], gpus: readonly string[]): Fact<GpuLink> | undefined {
  if (gpus.length < 2) return undefined;
  const pairs = rows.flatMap((row) =>
    gpus.filter((gpu) => gpu !== row.gpu).map((gpu) => ({ cell: row.cells.get(gpu) ?? '', row })),
  );
  const bonded = pairs.filter(({ cell }) => /^NV\d+$/.test(cell));
  const [link] = bonded;
  if (link) {
    const all = bonded.length === pairs.length;
    const counts = bonded.map(({ cell }) => Number(cell.slice(2)));
    const even = counts.every((count) => count === counts[0]);
    const per = Math.min(...rows.map((row) => bonded.filter((pair) => pair.row === row).length));
    // Equal links to many others at once are the links of a switch; few links to each are those of a mesh.
    const switched = all && even && gpus.length > 2 && (counts[0] ?? 0) >= 6;
    const value: GpuLink = {
      wiring: all ? 'nvlink' : 'nvlink-pairs',
      links: even ? counts[0] : undefined,
      modelGBps: undefined,
      switched,
      block: all ? gpus.length : per + 1,
    };
    return { value, origin: link.row.origin };
  }
  const known = pairs.filter(({ cell }) => WORSE.includes(cell));
  const worst = known.sort((a, b) => WORSE.indexOf(b.cell) - WORSE.indexOf(a.cell))[0];
  if (!worst) return undefined;
  const wiring = worst.cell === 'SYS' ? 'sockets' : /^P[IX][XB]$/.test(worst.cell) ? 'pcie-switch' : 'host-bridge';
  return {
    value: { wiring, links: undefined, modelGBps: undefined, switched: false, block: 1 },
    origin: worst.row.origin,
  };
}

/** CPUs near any GPU, where they are all up to the highest: nodes without a GPU do not show, and leave gaps. */
function vcpusOf(rows: readonly Row[]): Fact<number> | undefined {
  const cpus = new Set<string>();
  let origin: Origin | undefined;
  for (const row of rows) {
    const own = row.affinity === undefined || !/[-,]/.test(row.affinity) ? undefined : cpusOf(row.affinity);
    if (!own) continue;
    origin ??= row.origin;
    for (const cpu of own) cpus.add(cpu);
  }
  const isWhole = [...cpus].every((cpu) => Number(cpu) < cpus.size);
  return origin && isWhole ? { value: cpus.size, origin } : undefined;
}
