import type { Path } from '../source';
import { type Known, known, unknown } from './known';
import { BREAKS, type Cursor } from './shell-cursor';
import { Expansions, type Piece } from './shell-expansions';
import { type Assigned, elementsOf, type Variables } from './shell-variables';

/** A word of a shell script: its text where it is literal, else why not. */
export interface Word {
  readonly text: Known<string>;
  /** As written, quotes and `$` included. */
  readonly raw: string;
  readonly start: number;
  readonly end: number;
  /** The variable that this word is, with or without quotes around it: `$MICRO`. */
  readonly variable?: Assigned;
  /** It came out of a variable together with others: `$ARGS`, `"${ARGS[@]}"`; it stands where the variable is used. */
  readonly expanded?: true;
}

/** `$NAME`, `"${NAME}"`, also as the value of `--flag=$NAME`. */
const WHOLE_VARIABLE = /^(?:--?[\w.-]+=)?"?\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))"?$/;

/** `$NAME` without quotes, which the shell splits into words. */
const SPLIT = /^\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)$/;
/** All elements of an array, each a word. */
const ELEMENTS = /^(?:"\$\{([A-Za-z_]\w*)\[@\]\}"|\$\{([A-Za-z_]\w*)\[[@*]\]\})$/;

/** Reads the word at the cursor: quotes, escapes, expansions, arrays; and what the shell splits it into. */
export class Words {
  private readonly expansions: Expansions;

  constructor(
    private readonly path: Path,
    private readonly cursor: Cursor,
    private readonly variables: Variables,
    slurm: ReadonlyMap<string, Word>,
  ) {
    this.expansions = new Expansions(cursor, variables, slurm);
  }

  /** The words that the shell makes of the one at the cursor: none of an empty variable, several of `"${ARGS[@]}"`. */
  read(): readonly Word[] {
    return this.split(this.word());
  }

  /** The word at the cursor as it is written. */
  word(isElement = false): Word {
    const { cursor, path } = this;
    const start = cursor.at;
    let value = '';
    let why: string | undefined;
    while (!cursor.isAtEnd()) {
      const char = cursor.char();
      if (BREAKS.has(char) || cursor.isContinuation()) break;
      const piece = char === "'" ? this.singleQuoted() : char === '"' ? this.doubleQuoted() : this.piece();
      value += piece.value;
      why ??= piece.why;
    }
    const elements = !isElement && cursor.char() === '(' ? this.arrayBehind(start) : undefined;
    if (elements) why = 'it is an array';
    if (cursor.at === start) cursor.at++;
    const end = cursor.at;
    const raw = cursor.text.slice(start, end);
    const match = WHOLE_VARIABLE.exec(raw);
    const name = match?.[1] ?? match?.[2];
    const variable = name === undefined ? undefined : this.variables.assigned(name);
    const origin = { kind: 'file', path, start, end, key: raw } as const;
    const text: Known<string> = why === undefined ? known(value, origin) : unknown(why, origin);
    if (elements) elementsOf.set(text, elements);
    return { raw, start, end, text, ...(variable && { variable }) };
  }

  /** The words of `NAME=(…)`. */
  private arrayBehind(start: number): Word[] | undefined {
    const { cursor } = this;
    if (!/^[A-Za-z_]\w*\+?=$/.test(cursor.text.slice(start, cursor.at))) return undefined;
    const elements: Word[] = [];
    cursor.at++;
    while (!cursor.isAtEnd() && cursor.char() !== ')') {
      if (cursor.isContinuation()) cursor.skipContinuation();
      else if (cursor.char() === '#' && cursor.startsWord()) cursor.at = cursor.lineEnd();
      else if (BREAKS.has(cursor.char())) cursor.at++;
      else elements.push(...this.split(this.word(true)));
    }
    cursor.at++;
    return elements;
  }

  private split(word: Word): readonly Word[] {
    const { start, end, text } = word;
    const array = ELEMENTS.exec(word.raw);
    const name = array?.[1] ?? array?.[2];
    const value = name === undefined ? undefined : this.variables.use(name, start);
    const elements = value && elementsOf.get(value);
    if (elements) {
      // Once no more may be expanded, the elements are not even counted.
      if (!this.expansions.mayExpand(0)) return [word];
      const length = elements.reduce((sum, { raw }) => sum + raw.length + 1, 0);
      if (!this.expansions.mayExpand(length)) return [word];
      return elements.map(({ raw, text }) => ({
        raw: text.known ? text.value : raw,
        start,
        end,
        text,
        expanded: true,
      }));
    }
    if (!text.known || !SPLIT.test(word.raw)) return [word];
    const fields = text.value.split(/[ \t\n]+/).filter((field) => field !== '');
    if (fields.length === 1 && fields[0] === text.value) return [word];
    return fields.map((raw) => ({ raw, start, end, text: known(raw, text.origin), expanded: true }));
  }

  private singleQuoted(): Piece {
    const { cursor } = this;
    const close = cursor.text.indexOf("'", cursor.at + 1);
    const end = close < 0 ? cursor.text.length : close;
    const value = cursor.text.slice(cursor.at + 1, end);
    cursor.at = end + 1;
    return { value, why: undefined };
  }

  private doubleQuoted(): Piece {
    const { cursor } = this;
    let value = '';
    let why: string | undefined;
    cursor.at++;
    while (!cursor.isAtEnd() && cursor.char() !== '"') {
      const piece = this.piece();
      value += piece.value;
      why ??= piece.why;
    }
    cursor.at++;
    return { value, why };
  }

  /** One character, escaped or not, or one expansion: what means the same inside double quotes and without quotes. */
  private piece(): Piece {
    const { cursor } = this;
    const char = cursor.char();
    if (char === '$' || char === '`') return this.expansions.read();
    const isEscape = char === '\\';
    const next = cursor.char(1);
    cursor.at += isEscape ? 2 : 1;
    return { value: isEscape ? (next === '\n' ? '' : next) : char, why: undefined };
  }
}
