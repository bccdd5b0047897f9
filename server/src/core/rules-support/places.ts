import type { Known, Origin } from '../run/known';
import type { RunOutline } from '../run/training-run';
import type { Config, DialectId } from '../source';

/** A range of a file, as a report takes it. */
export interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** Where in files a fact comes from: its own place, or those of what it was derived from. */
export function filePlaces(fact: Known<unknown> | undefined): readonly Place[] {
  return fact?.origin ? placesOf(fact.origin) : [];
}

function placesOf(origin: Origin): readonly Place[] {
  if (origin.kind === 'file') return [{ path: origin.path, start: origin.start, end: origin.end }];
  return origin.kind === 'derived' ? origin.from.flatMap(placesOf) : [];
}

/** The place of the first of these facts that was written in the file of this config; undefined where none was. */
export function placeIn(config: Config, ...facts: readonly (Known<unknown> | undefined)[]): Place | undefined {
  for (const fact of facts) {
    const place = filePlaces(fact).find(({ path }) => path === config.file.path);
    // A whole section underlined hides everything in it: only its first line stands for it.
    if (place) return isLong(place, config) ? { ...place, end: endOfLine(place.start, config) } : place;
  }
  return undefined;
}

function isLong({ start, end }: Place, config: Config): boolean {
  return config.file.text.slice(start, end).includes('\n');
}

function endOfLine(start: number, config: Config): number {
  const end = config.file.text.indexOf('\n', start);
  return end < 0 ? config.file.text.length : end;
}

const LEADS: readonly DialectId[] = ['trainer', 'deepspeed', 'accelerate', 'fsdp'];

/**
 * Whether this config speaks for its run where a finding about the whole run has no place of its own: the training
 * arguments do, else the DeepSpeed file, else Accelerate's. So a run of three files is not told three times.
 */
export function leadsRun(run: RunOutline, config: Config): boolean {
  if (config.at !== '') return false;
  const lead = LEADS.find((dialect) => run.configs[dialect] !== undefined);
  return lead === undefined || run.configs[lead]?.file.path === config.file.path;
}

/**
 * The place of the first fact written here. Where none was, another config of the run carries the report; only where no
 * config wrote any of them does the one that speaks for the run, at its start.
 */
export function placeForRun(
  run: RunOutline,
  config: Config,
  ...facts: readonly (Known<unknown> | undefined)[]
): Place | undefined {
  if (config.at !== '') return undefined;
  const place = placeIn(config, ...facts);
  if (place) return place;
  const configs = new Set(LEADS.map((dialect) => run.configs[dialect]?.file.path));
  const isWritten = facts.flatMap(filePlaces).some(({ path }) => configs.has(path));
  return isWritten || !leadsRun(run, config) ? undefined : { path: config.file.path, start: 0, end: 0 };
}

/** Places of facts that stand in other files, each with what it is, for the related places of a report. */
export function elsewhere(
  config: Config,
  ...facts: readonly (readonly [Known<unknown> | undefined, string])[]
): readonly { at: Place; message: string }[] {
  return facts.flatMap(([fact, message]) => {
    const place = filePlaces(fact).find(({ path }) => path !== config.file.path);
    return place ? [{ at: place, message }] : [];
  });
}
