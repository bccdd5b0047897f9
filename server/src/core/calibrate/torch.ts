import { type Figure, GIB, rounded, type Sample, type SampleReader } from './samples';

const NUMBER = '(\\d+(?:\\.\\d+)?)';
const SIZE = `${NUMBER} (bytes|B|KiB|MiB|GiB|TiB)`;

// torch/cuda/memory.py memory_summary: the unit is that of the whole row, and its figures are rounded down.
const ROW =
  /^\|?\s*(Allocated memory|GPU reserved memory)\s*\|\s*\d+ (?:B|KiB|MiB|GiB|TiB)\s*\|\s*(\d+) (B|KiB|MiB|GiB|TiB)\s*\|/;
const OOMS = /\bCUDA OOMs: (\d+)/;

/** The tables of `torch.cuda.memory_summary()`. */
export function memorySummaryReader(): SampleReader {
  const samples: Sample[] = [];
  let bound: Sample['bound'] = 'peak';
  return {
    line(text, at) {
      if (!text.includes('|')) return;
      const ooms = OOMS.exec(text);
      // What failed to be allocated is not in the peak.
      if (ooms) bound = Number(ooms[1]) > 0 ? 'at-least' : 'peak';
      const row = ROW.exec(text);
      if (!row) return;
      const [, name, digits = '', unit = ''] = row;
      const figure: Figure = name === 'Allocated memory' ? 'allocated' : 'reserved';
      const { value, high } = rounded(digits, unit);
      const top = value + 2 * (high - value);
      samples.push({
        figure,
        value,
        low: value,
        high: top,
        bound,
        basis: `peak ${figure} of torch.cuda.memory_summary()`,
        at: at(),
      });
    },
    done: () => ({ samples, unread: [] }),
  };
}

const TRIED = new RegExp(`Tried to allocate ${SIZE}`);
const BY_TORCH = new RegExp(`Of the allocated memory ${SIZE} is allocated by PyTorch`);
const UNALLOCATED = new RegExp(`${SIZE} is reserved by PyTorch but unallocated`);
const OLDER = new RegExp(`${SIZE} already allocated`);
const IN_USE = new RegExp(`this process has ${SIZE} memory in use`);

/** `torch.OutOfMemoryError` (c10/cuda/CUDACachingAllocator.cpp): what was allocated and what was asked for on top of it. */
export function outOfMemoryReader(): SampleReader {
  const samples: Sample[] = [];
  return {
    line(text, at) {
      const tried = bytesIn(TRIED, text);
      if (!tried || !/out of memory/i.test(text)) return;
      const where = at();
      const add = (figure: Figure, value: number, low: number): void => {
        samples.push({
          figure,
          value,
          low,
          high: value,
          bound: 'at-least',
          basis: 'the run ran out of memory',
          at: where,
        });
      };
      const allocated = bytesIn(BY_TORCH, text) ?? bytesIn(OLDER, text);
      if (allocated) add('allocated', allocated.value + tried.value, allocated.low + tried.low);
      const inUse = bytesIn(IN_USE, text);
      const free = bytesIn(UNALLOCATED, text);
      // Reserved and free blocks could have served, had they been in one piece.
      if (inUse && free) add('driver', inUse.value + tried.value - free.value, inUse.low + tried.low - free.high);
    },
    done: () => ({ samples, unread: [] }),
  };
}

function bytesIn(pattern: RegExp, text: string): ReturnType<typeof rounded> | undefined {
  const found = pattern.exec(text);
  return found ? rounded(found[1] ?? '', found[2] === 'bytes' ? 'B' : (found[2] ?? '')) : undefined;
}

const LABELLED =
  /\bmax_memory_(allocated|reserved)\b(?:\([^)]{0,20}\))?["']?\s*[:=]\s*(\d+(?:\.\d+)?)\s*(bytes|[KMGT]i?B|B)?(?![\w.])/g;

/** Prints of `torch.cuda.max_memory_allocated` and `max_memory_reserved` that name themselves. */
export function labelledReader(): SampleReader {
  const samples: Sample[] = [];
  const unread: { what: string; because: string; at: Sample['at'] }[] = [];
  return {
    line(text, at) {
      if (!text.includes('max_memory_')) return;
      for (const [, figure, digits = '', unit] of text.matchAll(LABELLED)) {
        const size = labelledBytes(digits, unit);
        if (size === undefined)
          unread.push({ what: `max_memory_${figure} ${digits}`, because: 'it has no unit', at: at() });
        else if (figure === 'allocated' || figure === 'reserved')
          samples.push({ figure, ...size, bound: 'peak', basis: `max_memory_${figure} as printed`, at: at() });
      }
    },
    done: () => ({ samples, unread }),
  };
}

/** Without a unit it is bytes as torch gives them; "GB" may be 10^9 or 2^30, and both are kept open. */
function labelledBytes(digits: string, unit: string | undefined): ReturnType<typeof rounded> | undefined {
  if (unit === undefined) return !digits.includes('.') && Number(digits) > GIB / 64 ? rounded(digits, 'B') : undefined;
  if (unit === 'bytes' || unit === 'B') return rounded(digits, 'B');
  const binary = rounded(digits, `${unit.charAt(0)}iB`);
  if (unit.includes('i')) return binary;
  const power = { K: 1, M: 2, G: 3, T: 4 }[unit.charAt(0)] ?? 3;
  return { ...binary, low: (binary.low * 1000 ** power) / 1024 ** power };
}
