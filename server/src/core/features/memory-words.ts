import type { MemoryEstimate } from '../estimate/estimate';
import { formatGib } from '../text/format';

const GIB = 1024 ** 3;

/** `31.2 of 39.4 GiB`; without a known GPU only the need: `31.2 GiB`. */
export function memoryFigures(memory: MemoryEstimate): string {
  if (memory.capacity === null) return formatGib(memory.value);
  return `${formatGib(memory.value).replace(/ GiB$/, '')} of ${formatGib(memory.capacity)}`;
}

/** As {@link memoryFigures}, per GPU, with the verdict where there is something to say. */
export function memoryLabel(memory: MemoryEstimate): string {
  return `${memoryFigures(memory)} per GPU${memory.capacity === null ? '' : verdict(memory)}`;
}

/** Nothing when it fits: good news needs no words, unless paged state has to leave the GPU for it. */
export function verdict(memory: MemoryEstimate): string {
  if (memory.fits === true) {
    return memory.spilled === undefined ? '' : `: fits with ${formatGib(memory.spilled)} of the optimizer on the host`;
  }
  if (memory.fits === false) return ': does not fit';
  return memory.open === undefined ? ': too close to call' : `: cannot be told (${memory.open})`;
}

/** `Too close to call: one step on the GPU would decide it.`; nothing where it can be called, or no GPU is known. */
export function undecidedWords({ decides, open }: MemoryEstimate): string | undefined {
  return decides === undefined
    ? undefined
    : `${open === undefined ? 'Too close to call' : 'Cannot be told'}: ${decides}.`;
}

/** Groups whose names say little; the breakdown view calls them the same. */
const GROUPS: Readonly<Record<string, string>> = { context: 'CUDA context', fragmentation: 'allocator cache' };

/** Markdown: band, phase, and the groups of the breakdown, the largest first. */
export function memoryTooltip(memory: MemoryEstimate): string {
  const rows = Object.entries(memory.breakdown)
    .filter(([, bytes]) => bytes > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([group, bytes]) => `| ${GROUPS[group] ?? group} | ${(bytes / GIB).toFixed(2)} |`);
  const moment = memory.phases[memory.phase]?.moment;
  const undecided = undecidedWords(memory);
  return [
    `**${formatGib(memory.value)}** per GPU, between ${formatGib(memory.low)} and ${formatGib(memory.high)}; peaks in \`${memory.phase}\`${moment ? ` (${moment})` : ''}.`,
    ...(undecided ? ['', undecided] : []),
    '',
    '| | GiB |',
    '|:--|--:|',
    ...rows,
  ].join('\n');
}
