import type { Fact, Facts, LineReader, Origin, Place, Reading } from './facts';

/** Reads `rocm-smi --showtopo`, `--showproductname` and `--showmeminfo vram`. */
export function rocmSmiReader(): LineReader {
  return new RocmReader();
}

class RocmReader implements LineReader {
  private started = false;
  private table: string | undefined;
  private readonly links: { readonly cells: readonly string[]; readonly origin: Origin }[] = [];
  private readonly gpus = new Map<string, Origin>();
  private readonly names = new Map<string, Fact<string>>();
  private readonly numa = new Set<string>();
  private numaAt: Origin | undefined;
  private memory: Fact<number> | undefined;

  line(text: string, place: Place): void {
    if (text.startsWith('==')) {
      const title = text.replace(/=/g, '').trim();
      this.started ||= /ROCm System Management|ROCm SMI/.test(title);
      this.table = title;
    } else if (!this.started && !this.table) return;
    else if (text.startsWith('GPU')) this.gpuLine(text, place);
  }

  private gpuLine(text: string, place: Place): void {
    const keyed = /^GPU ?\[?(\d+)\]?\s*: (.*)$/.exec(text);
    if (keyed) this.keyed(keyed[1] ?? '', keyed[2] ?? '', place);
    else if (this.table?.startsWith('Link Type')) {
      const [, ...cells] = text.trim().split(/\s+/);
      if (cells.length > 0 && !/^GPU/.test(cells[0] ?? '') && this.links.length < 64)
        this.links.push({ cells, origin: place.origin() });
    }
  }

  private keyed(gpu: string, text: string, place: Place): void {
    const found = /^(?:\(Topology\) )?([\w ()]+?):\s*(.*)$/.exec(text);
    const [, key = '', value = ''] = found ?? [];
    if (/^Card series$/i.test(key)) this.name(gpu, value.trim(), place);
    else if (key === 'Numa Node') {
      this.numa.add(value.trim());
      this.numaAt ??= place.origin();
    } else if (/^VRAM Total Memory \(B\)$/.test(key) && Number(value) > 0)
      this.memory ??= { value: Number(value) / 2 ** 20, origin: place.origin() };
    if (!this.gpus.has(gpu) && this.gpus.size < 1024) this.gpus.set(gpu, place.origin());
  }

  private name(gpu: string, value: string, place: Place): void {
    if (value !== '' && value !== 'N/A') this.names.set(gpu, { value, origin: place.origin() });
  }

  done(): Reading | undefined {
    if (!this.started && this.links.length === 0) return undefined;
    const count = Math.max(this.links.length, this.gpus.size);
    const [row] = this.links;
    const at = row?.origin ?? [...this.gpus.values()][0];
    if (count === 0 || !at) return undefined;
    const names = [...this.names.values()];
    return {
      formats: ['rocm-smi'],
      remarks: [],
      facts: {
        gpuName: names[0],
        otherGpuName: names.find(({ value }) => value !== names[0]?.value),
        gpuMemoryMiB: this.memory,
        gpusInMachine: { value: count, origin: at },
        link: this.linkOf(),
        numaNodes: this.numaAt && !this.numa.has('-1') ? { value: this.numa.size, origin: this.numaAt } : undefined,
      },
    };
  }

  private linkOf(): Facts['link'] {
    const [row] = this.links;
    if (!row || this.links.length < 2) return undefined;
    const joined = this.links.map(({ cells }) => cells.filter((cell) => cell === 'XGMI').length);
    const least = Math.min(...joined);
    const all = least === this.links.length - 1;
    const wiring = all ? 'xgmi' : least > 0 ? 'xgmi-pairs' : 'host-bridge';
    const block = all ? this.links.length : least + 1;
    return { value: { wiring, links: undefined, modelGBps: undefined, switched: false, block }, origin: row.origin };
  }
}
