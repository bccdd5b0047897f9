import type { Fact, Format, LineReader, Place, Reading } from './facts';

/** Reads `lscpu` and `/proc/meminfo`: what the GPU's tools do not tell about the host. */
export function hostReader(): LineReader {
  let memory: Fact<number> | undefined;
  let cpus: Fact<number> | undefined;
  let sockets: Fact<number> | undefined;
  let name: Fact<string> | undefined;
  let numa: Fact<number> | undefined;
  const number = (text: string, place: Place): Fact<number> | undefined => {
    const value = Number(/:\s*(\d+)/.exec(text)?.[1]);
    return value > 0 ? { value, origin: place.origin() } : undefined;
  };
  return {
    line(text: string, place: Place): void {
      if (text.startsWith('MemTotal:')) {
        const kibibytes = number(text, place);
        if (kibibytes)
          memory ??= { value: Math.round((kibibytes.value / 2 ** 20) * 10) / 10, origin: kibibytes.origin };
      } else if (text.startsWith('CPU(s):')) cpus ??= number(text, place);
      else if (text.startsWith('Socket(s):')) sockets ??= number(text, place);
      else if (text.startsWith('NUMA node(s):')) numa ??= number(text, place);
      else if (/^Model name:/.test(text))
        name ??= { value: text.slice(11).trim().slice(0, 120), origin: place.origin() };
    },
    done(): Reading | undefined {
      const formats: Format[] = [];
      if (cpus) formats.push('lscpu');
      if (memory) formats.push('/proc/meminfo');
      if (formats.length === 0) return undefined;
      const facts = { hostMemoryGiB: memory, vcpus: cpus, sockets, cpuName: name, numaNodes: numa };
      return { formats, facts, remarks: [] };
    },
  };
}
