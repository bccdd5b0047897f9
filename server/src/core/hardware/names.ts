import type { Accelerator } from './hardware';
import type { AcceleratorRecord, InstanceRecord } from './records';

/** Words that people add to or leave out of a name. */
const FILLER = /\b(nvidia|geforce|tesla|amd|instinct|intel|aws|google|cloud|qualcomm|tensor core|gpus?)\b/g;

/** One spelling for all: lower case, without vendor words, separators and SageMaker's `ml.`. */
export function plainName(text: string): string {
  return text
    .toLowerCase()
    .trim()
    .replace(/^ml\./, '')
    .replace(/[-_/]+/g, ' ')
    .replace(FILLER, ' ')
    .replace(/[^a-z0-9.:]+/g, '');
}

/** `8xH100`, `H100:8`, `a100-40x8`: the name and the count; undefined where the text has none. */
export function countedName(text: string): { readonly name: string; readonly count: number } | undefined {
  const before = /^\s*(\d{1,4})\s*[x×*]\s*(?=\D*[a-z])(.+)$/i.exec(text);
  if (before?.[1] !== undefined && before[2] !== undefined) return { name: before[2], count: Number(before[1]) };
  const after = /^(.+?)\s*[-_ ]?[x×*:]\s*(\d{1,4})\s*$/i.exec(text);
  if (after?.[1] !== undefined && after[2] !== undefined) return { name: after[1], count: Number(after[2]) };
  return undefined;
}

/** Every spelling by which an accelerator is known, in plain form, the sure ones first. */
export function acceleratorSpellings(record: AcceleratorRecord): { sure: readonly string[]; loose: readonly string[] } {
  const sure = [record.id, record.name, ...record.aliases].map(plainName);
  const [family = '', ...rest] = plainWords(record.id);
  const memory = rest.find((word) => /^\d+gb$/.test(word));
  const form = rest.find((word) => /^(sxm|pcie|nvl)\d?$/.test(word));
  const forms = form === undefined ? [''] : ['', form, form.replace(/\d$/, '')];
  const sizes = memory === undefined ? [''] : ['', memory, memory.slice(0, -2), memory.slice(0, -1)];
  const plain = memory === undefined && form === undefined ? rest.join('') : undefined;
  const loose = plain !== undefined ? [`${family}${plain}`] : [];
  for (const f of forms) {
    for (const size of plain === undefined ? sizes : []) loose.push(`${family}${f}${size}`, `${family}${size}${f}`);
  }
  return { sure, loose };
}

/** Every spelling under which an instance is found: id, aliases, and the id without its cloud's prefix. */
export function instanceSpellings(record: InstanceRecord): readonly string[] {
  const bare = record.id.includes(':') ? [record.id.slice(record.id.indexOf(':') + 1)] : [];
  const azure = /^Standard_(.+)$/.exec(record.id)?.[1];
  return [record.id, ...(record.aliases ?? []), ...bare, ...(azure === undefined ? [] : [azure])].map(plainName);
}

/** Names nearest to a mistyped one, best first: by edit distance of the plain spellings, at most half of the length. */
export function nearestNames(
  text: string,
  names: readonly { readonly shown: string; readonly plain: string }[],
  limit: number,
): readonly string[] {
  const wanted = plainName(text.length > 100 ? text.slice(0, 100) : text);
  if (wanted === '') return [];
  const most = Math.max(2, Math.floor(wanted.length / 2));
  const ranked = names
    .map(({ shown, plain }) => ({ shown, distance: closeness(wanted, plain) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance || (a.shown < b.shown ? -1 : 1));
  // The same name in two spellings is one name.
  const shown = new Map(ranked.toReversed().map((it) => [plainName(it.shown), it.shown]));
  return [...shown.values()].reverse().slice(0, limit);
}

/** The accelerator's id without its vendor, as people like it typed back. */
export function typedName(accelerator: Accelerator): string {
  return accelerator.id.replace(/^(nvidia|amd|intel|aws|google|qualcomm)-/, '');
}

/** Edit distance, but a name that starts with the wanted text is closer than any that differs in a letter, whatever follows. */
function closeness(wanted: string, plain: string): number {
  if (wanted.length >= 3 && plain.startsWith(wanted)) return 0.5;
  return editDistance(wanted, plain);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? a.length;
}

function plainWords(id: string): readonly string[] {
  return id.split('-').slice(1);
}
