import type { Fact, Facts, Format, LineReader, Origin, Place, Reading, Remark } from './facts';

interface Device {
  name: Fact<string> | undefined;
  memoryMiB: Fact<number> | undefined;
  capability: Fact<string> | undefined;
  generation: Fact<number> | undefined;
  lanes: Fact<number> | undefined;
}

/** Reads the table of `nvidia-smi`, `nvidia-smi -L`, `nvidia-smi -q` and `nvidia-smi --query-gpu=… --format=csv`. */
export function nvidiaSmiReader(): LineReader {
  return new SmiReader();
}

class SmiReader implements LineReader {
  private readonly devices = new Map<Format, Device[]>();
  private readonly remarks: Remark[] = [];
  private attached: Fact<number> | undefined;
  private csv: readonly string[] | undefined;
  private mig: Fact<boolean> | undefined;
  /** Headings above the line of `-q`, by indentation. */
  private section: { readonly depth: number; readonly name: string }[] = [];

  line(text: string, place: Place): void {
    if (text.startsWith('|')) this.tableRow(text, place);
    else if (text.startsWith('GPU ')) this.listed(text, place);
    else if (text.startsWith('Attached GPUs')) this.attachedGpus(text, place);
    else if (this.devices.has('nvidia-smi -q') && /^\s/.test(text)) this.detail(text, place);
    else if (text.includes(',')) this.csvLine(text, place);
    else if (/^\s+MIG \S+ +Device/.test(text)) this.sliced(place);
  }

  private add(format: Format, device: Partial<Device>): Device {
    const all = this.devices.get(format) ?? [];
    const made = {
      name: undefined,
      memoryMiB: undefined,
      capability: undefined,
      generation: undefined,
      lanes: undefined,
      ...device,
    };
    if (all.length < 1024) all.push(made);
    this.devices.set(format, all);
    return made;
  }

  /** `|   0  NVIDIA A100-SXM4-40GB  On | 00000000:10:1C.0 Off | 0 |`, and the line below it with the memory. */
  private tableRow(text: string, place: Place): void {
    const named = /^\|\s{1,4}(\d+) {1,3}(\S.{4,38}?) +(On|Off|N\/A|TCC|WDDM) +\| +[0-9A-Fa-f]{4,8}:/.exec(text);
    if (named) {
      this.add('nvidia-smi', { name: { value: (named[2] ?? '').trim(), origin: place.origin() } });
      return;
    }
    const memory = /\d+MiB \/ +(\d+)MiB/.exec(text);
    const last = this.devices.get('nvidia-smi')?.at(-1);
    if (memory && last) last.memoryMiB ??= { value: Number(memory[1]), origin: place.origin() };
    if (/\| +Enabled \|\s*$/.test(text) && last) this.sliced(place);
  }

  /** `GPU 0: NVIDIA H200 (UUID: …)` of `-L`, `GPU 00000000:10:1C.0` of `-q`. */
  private listed(text: string, place: Place): void {
    const listed = /^GPU \d+: (.{3,80}?) \(UUID/.exec(text);
    if (listed) this.add('nvidia-smi -L', { name: { value: listed[1] ?? '', origin: place.origin() } });
    else if (/^GPU [0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:/.test(text)) {
      this.section = [];
      this.add('nvidia-smi -q', {});
    }
  }

  private attachedGpus(text: string, place: Place): void {
    const count = Number(/:\s*(\d+)/.exec(text)?.[1]);
    if (count > 0) this.attached ??= { value: count, origin: place.origin() };
  }

  /** A line `    Key : value` of `-q` below its headings. */
  private detail(text: string, place: Place): void {
    const found = /^(\s+)(\S[^:]{0,60}?)\s*(?::\s*(.*))?$/.exec(text.slice(0, 300));
    if (!found) return;
    const [, indent = '', key = '', value] = found;
    while ((this.section.at(-1)?.depth ?? -1) >= indent.length) this.section.pop();
    if (value === undefined) this.section.push({ depth: indent.length, name: key });
    else this.setting(this.section.map(({ name }) => name).join('/'), key, value.trim(), place);
  }

  private setting(section: string, key: string, value: string, place: Place): void {
    const device = this.devices.get('nvidia-smi -q')?.at(-1);
    if (!device) return;
    const origin = (): Origin => place.origin();
    if (key === 'Product Name') device.name ??= { value, origin: origin() };
    else if (section === 'FB Memory Usage' && key === 'Total') device.memoryMiB ??= mebibytes(value, origin);
    else if (section.endsWith('PCIe Generation') && /^(Max|Device Max|Host Max)$/.test(key)) {
      const generation = Number(value);
      if (generation > 0 && generation < (device.generation?.value ?? Number.POSITIVE_INFINITY))
        device.generation = { value: generation, origin: origin() };
    } else if (section.endsWith('Link Width') && key === 'Max') {
      const lanes = Number.parseInt(value, 10);
      if (lanes > 0) device.lanes ??= { value: lanes, origin: origin() };
    } else if (section === 'MIG Mode' && key === 'Current' && value === 'Enabled') this.sliced(place);
  }

  private sliced(place: Place): void {
    if (this.mig) return;
    this.mig = { value: true, origin: place.origin() };
    this.remarks.push({
      message: 'MIG is on: the GPUs are cut into slices, and memory and speed of a slice are not described here',
      origin: this.mig.origin,
    });
  }

  private csvLine(text: string, place: Place): void {
    if (text.length > 2000) return;
    const cells = text.split(',').map((cell) => cell.trim());
    if (
      /^(index|name|gpu_name|uuid|memory\.total|pci\.bus_id|timestamp|driver_version|compute_cap|count)\b/.test(
        cells[0] ?? '',
      )
    ) {
      this.csv = cells;
      return;
    }
    const columns =
      this.csv ??
      (/^(NVIDIA|Tesla|GeForce|Quadro) ?\S/.test(cells[0] ?? '') && /^\d+ MiB$/.test(cells[1] ?? '')
        ? ['name', 'memory.total']
        : undefined);
    if (!columns || (this.csv && cells.length !== columns.length)) {
      this.csv = undefined;
      return;
    }
    const cell = (name: RegExp): string | undefined => cells[columns.findIndex((column) => name.test(column))];
    const device = this.add('nvidia-smi --query-gpu', {});
    const origin = place.origin();
    const name = cell(/^(name|gpu_name)/);
    if (name) device.name = { value: name, origin };
    const memory = Number.parseFloat(cell(/^memory\.total/) ?? '');
    if (memory > 0) device.memoryMiB = { value: memory, origin };
    const capability = cell(/^compute_cap/);
    if (capability && /^\d+\.\d$/.test(capability)) device.capability = { value: capability, origin };
    const generation = Number(cell(/^pcie\.link\.gen\.(max|gpumax|hostmax)/));
    if (generation > 0) device.generation = { value: generation, origin };
    const lanes = Number(cell(/^pcie\.link\.width\.max/));
    if (lanes > 0) device.lanes = { value: lanes, origin };
    if (cell(/^mig\.mode\.current/) === 'Enabled') this.sliced(place);
  }

  done(): Reading | undefined {
    const found = [...this.devices].filter(([, devices]) => devices.some(({ name }) => name));
    if (found.length === 0) return undefined;
    const devices = found.map(([, each]) => each).sort((a, b) => b.length - a.length)[0] ?? [];
    const all = found.flatMap(([, each]) => each);
    // The table cuts long names; another output has them in full.
    const names = all.flatMap(({ name }) => (name && !name.value.endsWith('...') ? [name] : []));
    const name = names[0] ?? all.find((device) => device.name)?.name;
    const counted = devices.find((device) => device.name)?.name;
    return {
      formats: found.map(([format]) => format),
      remarks: this.remarks,
      facts: {
        gpuName: name,
        otherGpuName: names.find(({ value }) => value !== name?.value),
        gpuMemoryMiB: all.find(({ memoryMiB }) => memoryMiB)?.memoryMiB,
        computeCapability: all.find(({ capability }) => capability)?.capability,
        gpusInMachine: this.attached ?? (counted && { value: devices.length, origin: counted.origin }),
        pcie: slotOf(all),
        mig: this.mig,
      },
    };
  }
}

function mebibytes(text: string, origin: () => Origin): Fact<number> | undefined {
  const found = /^(\d+) MiB/.exec(text);
  return found ? { value: Number(found[1]), origin: origin() } : undefined;
}

function slotOf(devices: readonly Device[]): Facts['pcie'] {
  const device = devices.find(({ generation, lanes }) => generation && lanes);
  const generation = ([3, 4, 5, 6] as const).find((it) => it === device?.generation?.value);
  const lanes = ([1, 2, 4, 8, 16] as const).find((it) => it === device?.lanes?.value);
  if (generation === undefined || lanes === undefined || !device?.generation) return undefined;
  return { value: { generation, lanes, modelled: false }, origin: device.generation.origin };
}
