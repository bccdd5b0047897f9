import type { FileEdit, Finding, Fix } from '../findings';
import type { Path } from '../source';
import type { Effective, EffectiveFlag } from './effective';

/** A finding about the arguments as a launch line makes them, at its place in the files as they are. */
export interface Placed {
  readonly finding: Finding;
  /** The flags that it is about. */
  readonly flags: readonly EffectiveFlag[];
  /** Fixes that give a flag another value. */
  readonly rewrites: readonly { readonly flag: EffectiveFlag; readonly value: string }[];
}

type Span = { readonly start: number; readonly end: number };

/**
 * Brings a finding back from the effective arguments to the files: what a flag took the place of, its key in the file, carries it; where
 * only flags are concerned, the top of the file does. Edits that would change what a flag stands over are left out, since they do nothing.
 */
export function placed(finding: Finding, effective: Effective): Placed {
  const { path } = effective.file;
  const back = placesOf(effective);
  const involved = new Set<EffectiveFlag>();
  const related = finding.related.map((other) => {
    if (other.path !== path) return other;
    const [flag] = back.flagsAt(other);
    if (!flag) return { ...other, ...back.range(other) };
    involved.add(flag);
    const origin = flag.written.origin;
    return origin.kind === 'file'
      ? { path: origin.path, start: origin.start, end: origin.end, message: `${flag.written.key} is set here.` }
      : other;
  });
  const own = finding.path === path ? back.flagsAt(finding) : [];
  for (const flag of own) involved.add(flag);
  const range = finding.path === path ? back.range(finding) : finding;
  const isAdded = own.length > 0 && range.start === range.end;
  // A second place that the file does have is better than its top.
  const second = isAdded ? related.find((other) => other.path === finding.path) : undefined;
  const place = isAdded ? (second ?? { start: 0, end: 0 }) : range;
  const fixes = finding.fixes.flatMap((fix) => back.fix(fix) ?? []);
  return {
    finding: {
      ...finding,
      start: place.start,
      end: place.end,
      related: related.filter((other) => other !== second),
      fixes,
    },
    flags: [...involved],
    rewrites: finding.fixes.flatMap((fix) => back.rewrite(fix) ?? []),
  };
}

/** Where flags stand in the effective text, and what its other places are in the file. */
function placesOf({ file, flags }: Effective) {
  const flagsAt = ({ start, end }: Span): readonly EffectiveFlag[] =>
    flags.filter((flag) => start < flag.end && (end > flag.start || (start === end && start >= flag.start)));
  /** The place in the file; what stands in a flag's value is the start or the end of what it took the place of. */
  const offset = (at: number, isEnd: boolean): number => {
    let moved = 0;
    for (const flag of flags) {
      if (at < flag.start || (isEnd && at === flag.start)) break;
      if (at < flag.end || (isEnd && at === flag.end)) return isEnd ? flag.own.end : flag.own.start;
      moved += flag.end - flag.start - (flag.own.end - flag.own.start);
    }
    return at - moved;
  };
  const range = ({ start, end }: Span): Span => {
    const from = offset(start, false);
    return { start: from, end: Math.max(from, start === end ? from : offset(end, true)) };
  };
  const edit = (change: FileEdit): FileEdit | undefined => {
    if (change.path !== file.path) return change;
    // What is put in beside a flag's own text would stand somewhere else in the file.
    const touches = flags.some((flag) =>
      change.start === change.end
        ? change.start >= flag.start && change.start <= flag.end
        : change.start < flag.end && change.end > flag.start,
    );
    return touches ? undefined : { ...change, ...range(change) };
  };
  const fix = (given: Fix): Fix | undefined => {
    const edits = given.edits.map(edit);
    const kept = edits.filter((one) => one !== undefined);
    return kept.length === edits.length ? { ...given, edits: kept } : undefined;
  };
  /** The value of a flag ends what stands for it, and takes the whole of it where the file has the key. */
  const rewrite = ({ edits: [only, ...others] }: Fix): Placed['rewrites'][number] | undefined => {
    const flag = flags.find(({ start, end }) => only && start <= only.start && end === only.end);
    const value = only?.newText.trim().replace(/^(["'])(.*)\1$/, '$2') ?? '';
    const isMeant = only?.path === file.path && others.length === 0 && value !== '' && !/[:\n]/.test(value);
    return isMeant && flag ? { flag, value } : undefined;
  };
  return { flagsAt, range, fix, rewrite };
}

/** A path that no file has: where the arguments are thought to stand of a launch line that names no Trainer file. */
export function pathOfFlags(script: Path): Path {
  return `${script}.flags.yaml`;
}
