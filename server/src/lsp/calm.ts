import type { Finding } from '../core/findings';
import type { Path, SourceFile } from '../core/source';
import type { OpenDocument } from './documents';

/** How long a new finding on the line being typed, or in a broken text, waits for the typing to pause. */
export const CALM_MILLISECONDS = 600;

interface Shown {
  readonly edition: number;
  /** Findings by rule that were on screen before this edition. */
  readonly before: ReadonlyMap<string, number>;
  readonly now: ReadonlyMap<string, number>;
  /** Set once the pause is over: everything is shown. */
  released: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Shows findings calmly: one that is new and on the line being typed waits for a short pause, because half a word is
 * not a mistake yet. While the text is broken every new one waits: a break can take the meaning of lines far from it. Fixed ones
 * vanish at once, all others appear at once.
 */
export class Calm {
  private readonly shown = new Map<Path, Shown>();

  constructor(
    private readonly milliseconds: number,
    private readonly onPause: (path: Path) => void,
  ) {}

  /** The findings to show now. The same again for the same edition, until `onPause` has been called. */
  select(document: OpenDocument, findings: readonly Finding[], file: SourceFile): readonly Finding[] {
    const previous = this.shown.get(document.path);
    const sameEdition = previous?.edition === document.edition;
    const { editedLine } = document;
    if (editedLine === undefined || !previous || this.milliseconds === 0 || (sameEdition && previous.released)) {
      this.remember(document, previous, findings, true);
      return findings;
    }
    const before = sameEdition ? previous.before : previous.now;
    const selected = withoutNew(findings, before, waitsIn(file, editedLine));
    const state = this.remember(document, previous, selected, selected.length === findings.length);
    if (selected.length < findings.length) this.waitForPause(document.path, state);
    return selected;
  }

  forget(path: Path): void {
    clearTimeout(this.shown.get(path)?.timer);
    this.shown.delete(path);
  }

  private remember(
    document: OpenDocument,
    previous: Shown | undefined,
    selected: readonly Finding[],
    released: boolean,
  ): Shown {
    const sameEdition = previous?.edition === document.edition;
    if (!sameEdition) clearTimeout(previous?.timer);
    const state: Shown = {
      edition: document.edition,
      before: (sameEdition ? previous?.before : previous?.now) ?? new Map(),
      now: countByRule(selected),
      released,
    };
    if (sameEdition && previous?.timer) state.timer = previous.timer;
    this.shown.set(document.path, state);
    return state;
  }

  private waitForPause(path: Path, state: Shown): void {
    if (state.timer) return;
    state.timer = setTimeout(() => {
      const current = this.shown.get(path);
      if (current?.edition !== state.edition) return;
      current.released = true;
      this.onPause(path);
    }, this.milliseconds);
    state.timer.unref();
  }
}

/** Tells which findings wait if they are new. */
function waitsIn({ tree, lines }: SourceFile, line: number): (finding: Finding) => boolean {
  if (tree.problems.some(({ kind }) => kind === 'broken')) return () => true;
  return ({ start, end }) => lines.positionAt(start).line <= line && lines.positionAt(end).line >= line;
}

function withoutNew(
  findings: readonly Finding[],
  before: ReadonlyMap<string, number>,
  waits: (finding: Finding) => boolean,
): readonly Finding[] {
  const known = new Map(before);
  const take = (rule: string) => {
    const left = known.get(rule) ?? 0;
    known.set(rule, left - 1);
    return left > 0;
  };
  // Those elsewhere are matched with the old ones first: they cannot be what is being typed.
  for (const finding of findings) if (!waits(finding)) take(finding.rule);
  return findings.filter((finding) => !waits(finding) || finding.rule === 'analysis-incomplete' || take(finding.rule));
}

function countByRule(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { rule } of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return counts;
}
