import type { JsonSchema } from '../catalogs';
import { ownValue } from '../own-value';
import type { RunOutline } from '../run/training-run';
import { setting, stringOf } from '../settings';
import type { DialectId } from '../source';
import { factsOf } from './keys';
import { isAtLeast, statedVersion } from './versions';

/** What the framework does about a departure from its schema. */
export interface Verdict {
  readonly severity: 'error' | 'warning';
  /** Set where only some versions stop: the first that does. */
  readonly since: string | undefined;
}

/** An unknown key: some objects refuse it, the others drop it. */
export function unknownKeyVerdict(parent: JsonSchema, run: RunOutline): Verdict {
  return withVersion(factsOf(parent).unknownKeys === 'reject', factsOf(parent).strictSince, run);
}

/**
 * A value outside type, list or range: DeepSpeed's pydantic sections refuse it, and so do the keys where running it
 * showed that. Where it is not known that the framework stops, it is a warning.
 */
export function valueVerdict(dialect: DialectId, schema: JsonSchema, parent: JsonSchema, run: RunOutline): Verdict {
  const strict = dialect === 'deepspeed' && factsOf(parent).unknownKeys === 'reject';
  const stops =
    strict || (factsOf(schema).raises === true && !isOfOtherFsdp(schema, run) && isSectionRead(parent, run));
  const { readSince } = factsOf(schema);
  if (stops && readSince !== undefined) return readVerdict(readSince, run);
  return withVersion(stops, factsOf(schema).strictSince ?? factsOf(parent).strictSince, run);
}

/** {@link valueVerdict} for a value that releases before one took; undefined where the run has such a release. */
export function formerValueVerdict(
  dialect: DialectId,
  schema: JsonSchema,
  value: unknown,
  verdict: Verdict,
  run: RunOutline,
): Verdict | undefined {
  const gone = ownValue(factsOf(schema).formerValues ?? {}, String(value).toLowerCase());
  if (gone === undefined || verdict.severity !== 'error') return verdict;
  const framework = dialect === 'accelerate' ? dialect : 'transformers';
  const stated = statedVersion(run, framework);
  if (stated === undefined) return { severity: 'warning', since: `of ${framework} ${gone}` };
  return isAtLeast(stated, gone) ? verdict : undefined;
}

/** A key that only the other FSDP reads stops nothing. */
function isOfOtherFsdp(schema: JsonSchema, { sharding }: RunOutline): boolean {
  const { fsdpVersion } = factsOf(schema);
  if (fsdpVersion === undefined || !sharding.known || sharding.value.kind !== 'fsdp') return false;
  const { version } = sharding.value;
  return version.known && version.value !== fsdpVersion;
}

/** The launcher looks at some sections of an Accelerate file for some types of launch only. */
function isSectionRead(section: JsonSchema, { configs }: RunOutline): boolean {
  const { appliesTo } = factsOf(section);
  const type = configs.accelerate && stringOf(setting(configs.accelerate, 'distributed_type'));
  return !appliesTo || type === undefined || appliesTo.includes('*') || appliesTo.includes(type);
}

/** A key that the Trainer reads from a release on: an error only where such a release is stated. */
function readVerdict(readSince: string, run: RunOutline): Verdict {
  const stated = statedVersion(run, 'transformers');
  if (stated !== undefined && isAtLeast(stated, readSince)) return { severity: 'error', since: undefined };
  return { severity: 'warning', since: `of transformers ${readSince}` };
}

function withVersion(stops: boolean, since: string | undefined, run: RunOutline): Verdict {
  if (!stops) return { severity: 'warning', since: undefined };
  if (since === undefined) return { severity: 'error', since };
  const version = statedVersion(run, 'deepspeed');
  if (version === undefined) return { severity: 'warning', since };
  return isAtLeast(version, since) ? { severity: 'error', since: undefined } : { severity: 'warning', since };
}

/** The sentence that says what happens: `DeepSpeed stops at start-up` or `from 0.17.1 on DeepSpeed stops at start-up`. */
export function stopWords(who: string, { severity, since }: Verdict, otherwise: string): string {
  if (since !== undefined) return `${who} ${since} and later stops at start-up on it`;
  return severity === 'error' ? `${who} stops at start-up` : otherwise;
}

/** Who reads a config of a dialect. */
export function readerOf(dialect: DialectId): string {
  switch (dialect) {
    case 'deepspeed':
      return 'DeepSpeed';
    case 'accelerate':
      return 'Accelerate';
    default:
      return 'the Trainer';
  }
}

/** {@link readerOf} at the beginning of a sentence. */
export function readerAtStart(dialect: DialectId): string {
  const reader = readerOf(dialect);
  return `${reader[0]?.toUpperCase() ?? ''}${reader.slice(1)}`;
}
