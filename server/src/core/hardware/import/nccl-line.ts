/** The parts of a line that NCCL or RCCL prints. */
export interface NcclLine {
  /** The host as NCCL names it; empty where the prefix was cut off. */
  readonly host: string;
  /** One process and thread of it: ranks write into one log at the same time. */
  readonly thread: string;
  readonly body: string;
}

const MARK = 'NCCL INFO ';

/**
 * `prefix host:pid:tid [cudaDev] NCCL INFO body`; launchers put their own words in front (`[default0]:`, `[1,0]<stdout>:`,
 * `(RayTrainWorker pid=7)`, a time). A log whose prefixes were cut off still has a body.
 */
export function ncclLine(text: string): NcclLine | undefined {
  const mark = text.indexOf(MARK);
  if (mark < 0) return undefined;
  const body = text.slice(mark + MARK.length);
  let end = beforeSpaces(text, mark);
  if (text[end - 1] === ']') end = beforeSpaces(text, Math.max(0, text.lastIndexOf('[', end)));
  const thread = text.lastIndexOf(':', end - 1);
  const process = thread < 0 ? -1 : text.lastIndexOf(':', thread - 1);
  if (process < 0 || !isNumber(text, thread + 1, end) || !isNumber(text, process + 1, thread))
    return { host: '', thread: '', body };
  let start = process;
  while (start > 0 && isOfHost(text.charCodeAt(start - 1))) start--;
  return { host: text.slice(start, process), thread: text.slice(process + 1, end), body };
}

function beforeSpaces(text: string, end: number): number {
  let at = end;
  while (at > 0 && text[at - 1] === ' ') at--;
  return at;
}

function isNumber(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return end > start && end - start < 12;
}

/** Letters, digits, `-`, `.` and `_`. */
function isOfHost(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 45 ||
    code === 46 ||
    code === 95
  );
}

/** `0-23,48-71` or the older `ff,ffff0000,00ffffff`: how many CPUs it names; undefined where it is neither. */
export function cpusOf(list: string): readonly string[] | undefined {
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list) && (list.includes('-') || !list.includes(','))) return ranges(list);
  if (/^[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{8})*$/.test(list)) return bits(list.split(','));
  return undefined;
}

const MOST_CPUS = 8192;

function ranges(list: string): readonly string[] | undefined {
  const cpus: string[] = [];
  for (const part of list.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    if (last >= MOST_CPUS || first > last) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.push(String(cpu));
  }
  return cpus;
}

/** Words of 32 CPUs, the highest first. */
function bits(words: readonly string[]): readonly string[] | undefined {
  if (words.length * 32 > MOST_CPUS) return undefined;
  return words.flatMap((word, index) => {
    const base = (words.length - 1 - index) * 32;
    const value = Number.parseInt(word, 16);
    return Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => (value >>> bit) & 1)
      .map((bit) => String(base + bit));
  });
}
