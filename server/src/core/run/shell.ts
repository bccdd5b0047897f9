import type { Path } from '../source';
import { type Known, known, unknown } from './known';
import { arithmeticChanges, surelySucceeds } from './shell-changes';
import { type Assigned, elementsOf, isOpening, Variables } from './shell-variables';
import { slurmVariable } from './slurm-variables';

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

/** One simple command with the variables set before it. */
export interface Command {
  readonly words: readonly Word[];
  /** Variables exported, or assigned in front of this command. */
  readonly environment: ReadonlyMap<string, Known<string>>;
}

export interface Script {
  readonly commands: readonly Command[];
  /** Options of `#SBATCH` lines, by long name. */
  readonly slurm: ReadonlyMap<string, Word>;
}

const MAX_SCRIPT = 256 * 1024;

/**
 * Reads the simple commands of a shell script or Makefile: literal words, quotes, `\` continuations, and `$NAME` where the same
 * file assigned NAME one literal value before, or where Slurm sets it by an `#SBATCH` line, also as `${NAME:-x}`. Everything else
 * (`$(…)`, loops' variables, what one branch alone assigns) makes a word unknown.
 */
export function readScript(path: Path, text: string): Script {
  return text.length > MAX_SCRIPT ? { commands: [], slurm: new Map() } : new Reader(path, text).read();
}

/** As much text as variables may expand to in one script; more is not looked into. */
const MAX_EXPANDED = 512 * 1024;

/** Characters that end a word outside quotes. */
const BREAKS = new Set([' ', '\t', '\r', '\n', ';', '|', '&', '<', '>', '(', ')']);

/** `$NAME`, `"${NAME}"`, also as the value of `--flag=$NAME`. */
const WHOLE_VARIABLE = /^(?:--?[\w.-]+=)?"?\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))"?$/;

/** `$NAME` without quotes, which the shell splits into words. */
const SPLIT = /^\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)$/;
/** All elements of an array, each a word. */
const ELEMENTS = /^(?:"\$\{([A-Za-z_]\w*)\[@\]\}"|\$\{([A-Za-z_]\w*)\[[@*]\]\})$/;

/** Literal text, or why it is not known. */
interface Piece {
  readonly value: string;
  readonly why: string | undefined;
}

class Reader {
  private at = 0;
  private words: Word[] = [];
  private readonly commands: Command[] = [];
  private readonly slurm = new Map<string, Word>();
  private readonly variables: Variables;
  private heredoc: string | undefined;
  /** The words of this command so far belong to the shell: `then`, `{`. */
  private isOpen = true;
  /** A line that ends here goes on in the next: behind `&&`. */
  private goesOn = false;
  /** The next `{` or `(` begins the body of a function. */
  private isFunction = false;
  private expandedLength = 0;
  /** Where the next `))` is, as far as that has been looked for. */
  private close = -1;

  constructor(
    private readonly path: Path,
    private readonly text: string,
  ) {
    this.variables = new Variables(text);
  }

  read(): Script {
    while (this.at < this.text.length) this.step();
    this.endCommand();
    return { commands: this.commands, slurm: this.slurm };
  }

  private step(): void {
    const char = this.text[this.at] ?? '';
    if (char === '\n') {
      // Behind `&&` and `||` a command may go on in the next line.
      if (this.words.length > 0) this.endCommand();
      if (!this.goesOn) this.variables.ways.endList();
      this.at++;
      if (this.heredoc !== undefined) this.skipHeredoc();
    } else if (this.isContinuation()) {
      this.at = this.text.indexOf('\n', this.at) + 1;
    } else if (char === '#' && this.startsWord()) this.comment();
    else if (char === '<' || char === '>') this.redirect();
    else if (char === '(' && this.arithmetic()) this.goesOn = false;
    else if (char === ';' || char === '|' || char === '&' || char === '(' || char === ')') this.operator(char);
    else if (char === ' ' || char === '\t' || char === '\r') this.at++;
    else for (const word of this.split(this.word())) this.push(word);
  }

  private push(word: Word): void {
    this.goesOn = false;
    if (word.raw === '{' && this.words[0]?.raw === 'function' && this.words.length === 2) this.startFunction();
    this.isOpen &&= isOpening(word);
    if (this.isOpen) this.variables.ways.word(word.raw, this.isFunction);
    if (word.raw !== 'function') this.isFunction = false;
    this.words.push(word);
  }

  /** `name()` and `function name`: what follows is run later. */
  private startFunction(): void {
    this.words = [];
    this.isOpen = true;
    this.isFunction = true;
  }

  /** `(( N /= 2 ))` at the start of a command, and `for ((…))`. */
  private arithmetic(): boolean {
    const isFor = this.words.length === 1 && this.words[0]?.raw === 'for';
    if (this.text[this.at + 1] !== '(' || (!isFor && !this.isOpen)) return false;
    if (this.close < this.at) {
      const close = this.text.indexOf('))', this.at);
      this.close = close < 0 ? this.text.length : close;
    }
    const expression = this.text.slice(this.at + 2, this.close);
    // Two shells one in the other have commands in them.
    if (this.close >= this.text.length || (isFor ? /\n/ : /[;\n]/).test(expression)) return false;
    this.variables.change(arithmeticChanges(expression));
    this.at = this.close + 2;
    while (this.text[this.at] === ')') this.at++;
    return true;
  }

  /** What ends a command. What stands behind `||`, and behind `&&` where the command may fail, may not run. */
  private operator(char: string): void {
    const isDouble = this.text[this.at + 1] === char;
    const joins = isDouble && (char === '|' || char === '&');
    const named = char === '(' ? /^\(\s*\)/.exec(this.text.slice(this.at, this.at + 20))?.[0] : undefined;
    if (named !== undefined && this.words.length > 0) {
      this.startFunction();
      this.at += named.length;
      return;
    }
    const decides = joins && (char === '|' || !surelySucceeds(this.words));
    this.endCommand();
    const { ways } = this.variables;
    if (decides) ways.word(char + char);
    else if (!joins && char !== '|' && char !== '(') ways.endList();
    this.goesOn = joins || char === '|' || (this.goesOn && char === '(');
    if (isDouble && char === ';') ways.nextPattern();
    if (char === '(' || char === ')') ways.word(char, this.isFunction);
    if (char === '(') this.isFunction = false;
    this.at += isDouble && char !== '(' && char !== ')' ? 2 : 1;
  }

  private startsWord(): boolean {
    return this.at === 0 || /[\s;&|(]/.test(this.text[this.at - 1] ?? '');
  }

  private comment(): void {
    const end = this.lineEnd(this.at);
    const line = this.text.slice(this.at, end);
    const options = /^#SBATCH\s+/.exec(line);
    if (options) this.slurmOptions(this.at + options[0].length, line.slice(options[0].length));
    this.at = end;
  }

  private slurmOptions(start: number, text: string): void {
    const option = /(?:--([a-z-]+)(?:[= ]\s*([^\s#]+))?|-([A-Za-z])\s*([^\s#-][^\s#]*))/g;
    for (const match of text.matchAll(option)) {
      const name = match[1] ?? { N: 'nodes', n: 'ntasks', G: 'gpus', p: 'partition' }[match[3] ?? ''];
      const value = match[2] ?? match[4];
      if (name === undefined || value === undefined) continue;
      const begin = start + match.index;
      const word = { raw: value, start: begin, end: begin + match[0].length };
      this.slurm.set(name, { ...word, text: known(value, this.origin(word, `#SBATCH --${name}`)) });
    }
  }

  /** `> file`, `2>&1`, `<< EOF`: no words of the command. */
  private redirect(): void {
    const sign = /^[<>]+(?:&\d*|[|-])?/.exec(this.text.slice(this.at, this.at + 4))?.[0] ?? '<';
    // The 2 of `2>&1` is no word.
    const last = this.words[this.words.length - 1];
    if (last?.end === this.at && /^\d+$/.test(last.raw)) this.words.pop();
    this.at += sign.length;
    while (this.text[this.at] === ' ') this.at++;
    if (BREAKS.has(this.text[this.at] ?? '\n')) return;
    const target = this.word();
    if (/^<<-?$/.test(sign)) this.heredoc = target.raw.replace(/^["'\\]|["']$/g, '');
  }

  private skipHeredoc(): void {
    while (this.at < this.text.length) {
      const end = this.lineEnd(this.at);
      const line = this.text.slice(this.at, end).trim();
      // What a document in the script takes from a variable depends on it too.
      for (const [, name = ''] of line.matchAll(/\$\{?([A-Za-z_]\w*)/g)) this.variables.use(name, this.at);
      this.at = Math.min(end + 1, this.text.length);
      if (line === this.heredoc) break;
    }
    this.heredoc = undefined;
  }

  private word(isElement = false): Word {
    const start = this.at;
    let value = '';
    let why: string | undefined;
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? '';
      if (BREAKS.has(char) || this.isContinuation()) break;
      const piece = char === "'" ? this.singleQuoted() : char === '"' ? this.doubleQuoted() : this.piece();
      value += piece.value;
      why ??= piece.why;
    }
    const elements = !isElement && this.text[this.at] === '(' ? this.arrayBehind(start) : undefined;
    if (elements) why = 'it is an array';
    if (this.at === start) this.at++;
    const raw = this.text.slice(start, this.at);
    const place = { raw, start, end: this.at };
    const origin = this.origin(place, raw);
    const match = WHOLE_VARIABLE.exec(raw);
    const name = match?.[1] ?? match?.[2];
    const variable = name === undefined ? undefined : this.variables.assigned(name);
    const text: Known<string> = why === undefined ? known(value, origin) : unknown(why, origin);
    if (elements) elementsOf.set(text, elements);
    return { ...place, text, ...(variable && { variable }) };
  }

  /** The words of `NAME=(…)`. */
  private arrayBehind(start: number): Word[] | undefined {
    if (!/^[A-Za-z_]\w*\+?=$/.test(this.text.slice(start, this.at))) return undefined;
    const elements: Word[] = [];
    this.at++;
    while (this.at < this.text.length && this.text[this.at] !== ')') {
      if (this.isContinuation()) this.at = this.text.indexOf('\n', this.at) + 1;
      else if (this.text[this.at] === '#' && this.startsWord()) this.at = this.lineEnd(this.at);
      else if (BREAKS.has(this.text[this.at] ?? '')) this.at++;
      else elements.push(...this.split(this.word(true)));
    }
    this.at++;
    return elements;
  }

  /** The words that the shell makes of one: none of an empty variable, several of `"${ARGS[@]}"`. */
  private split(word: Word): readonly Word[] {
    const { start, end, text } = word;
    const array = ELEMENTS.exec(word.raw);
    const name = array?.[1] ?? array?.[2];
    const value = name === undefined ? undefined : this.variables.use(name, start);
    const elements = value && elementsOf.get(value);
    if (elements) {
      if (!this.mayExpand(0) || !this.mayExpand(elements.reduce((sum, { raw }) => sum + raw.length + 1, 0)))
        return [word];
      return elements.map((it) => ({
        raw: it.text.known ? it.text.value : it.raw,
        start,
        end,
        text: it.text,
        expanded: true,
      }));
    }
    if (!text.known || !SPLIT.test(word.raw)) return [word];
    const fields = text.value.split(/[ \t\n]+/).filter((field) => field !== '');
    if (fields.length === 1 && fields[0] === text.value) return [word];
    return fields.map((raw) => ({ raw, start, end, text: known(raw, text.origin), expanded: true }));
  }

  private mayExpand(length: number): boolean {
    this.expandedLength += length;
    return this.expandedLength <= MAX_EXPANDED;
  }

  /** A backslash at the end of a line: the command goes on behind it. */
  private isContinuation(): boolean {
    return this.text[this.at] === '\\' && /^\\\r?\n/.test(this.text.slice(this.at, this.at + 3));
  }

  private singleQuoted(): Piece {
    const close = this.text.indexOf("'", this.at + 1);
    const end = close < 0 ? this.text.length : close;
    const value = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return { value, why: undefined };
  }

  private doubleQuoted(): Piece {
    let value = '';
    let why: string | undefined;
    this.at++;
    while (this.at < this.text.length && this.text[this.at] !== '"') {
      const piece = this.piece();
      value += piece.value;
      why ??= piece.why;
    }
    this.at++;
    return { value, why };
  }

  /** One character, escaped or not, or one expansion: what means the same inside double quotes and without quotes. */
  private piece(): Piece {
    const char = this.text[this.at] ?? '';
    if (char === '$' || char === '`') return this.expansion();
    const isEscape = char === '\\';
    const next = this.text[this.at + 1] ?? '';
    this.at += isEscape ? 2 : 1;
    return { value: isEscape ? (next === '\n' ? '' : next) : char, why: undefined };
  }

  /** `$NAME` and `${NAME}` with a literal value; anything cleverer is not known here. */
  private expansion(): Piece {
    const rest = this.text.slice(this.at, this.at + 200);
    const simple = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest);
    if (simple) {
      this.at += simple[0].length;
      const name = simple[1] ?? simple[2] ?? '';
      const value = this.variables.use(name, this.at) ?? slurmVariable(name, this.slurm);
      return value?.known && this.mayExpand(value.value.length)
        ? { value: value.value, why: undefined }
        : { value: '', why: `${simple[0]} is set elsewhere` };
    }
    if (rest[0] === '$' && !/^\$[({\w@*#?!$-]/.test(rest)) {
      this.at++;
      return { value: '$', why: undefined };
    }
    const start = this.at;
    const skipped = this.skipExpansion();
    const value = this.orElse(this.text.slice(start, this.at));
    if (value !== undefined) return { value, why: undefined };
    for (const [, name = ''] of skipped.matchAll(/[${]([A-Za-z_]\w*)/g)) this.variables.use(name, start);
    if (skipped.startsWith('$((')) this.variables.change(arithmeticChanges(this.text.slice(start + 3, this.at - 2)));
    const assigns = /^\$\{([A-Za-z_]\w*):?=/.exec(skipped)?.[1];
    if (assigns !== undefined) this.variables.change([assigns]);
    return { value: '', why: `${skipped} is computed by the shell` };
  }

  /** `${NAME:-x}` and its like where NAME is known: what it is, or the literal x where it is known to be empty. */
  private orElse(text: string): string | undefined {
    const found = /^\$\{([A-Za-z_]\w*)(:?)[-=?](.*)\}$/s.exec(text);
    if (!found) return undefined;
    const [, name = '', colon, other = ''] = found;
    const value = this.variables.use(name, this.at) ?? slurmVariable(name, this.slurm);
    if (!value?.known || !this.mayExpand(value.value.length)) return undefined;
    if (value.value !== '' || colon === '') return value.value;
    // `:=` assigns it.
    if (text.startsWith(`\${${name}:=`)) return undefined;
    return /^[\w.,:/+-]*$/.test(other) ? other : undefined;
  }

  private skipExpansion(): string {
    const start = this.at;
    const open = this.text[this.at] === '`' ? '`' : (this.text[this.at + 1] ?? '');
    const close = { '`': '`', '(': ')', '{': '}' }[open];
    this.at += open === '`' ? 1 : Math.min(2, this.text.length - this.at);
    if (close !== undefined) {
      let depth = 1;
      while (this.at < this.text.length && depth > 0) {
        const char = this.text[this.at];
        if (char === close) depth--;
        else if (char === open) depth++;
        this.at++;
      }
    }
    return this.text.slice(start, Math.min(this.at, start + 30));
  }

  private endCommand(): void {
    const words = this.words;
    this.words = [];
    this.isOpen = true;
    if (words.length === 2 && words[0]?.raw === 'function') this.isFunction = true;
    else if (words.length > 0) {
      const command = this.variables.run(words);
      if (command) this.commands.push(command);
    }
  }

  private lineEnd(from: number): number {
    const end = this.text.indexOf('\n', from);
    return end < 0 ? this.text.length : end;
  }

  private origin(place: { start: number; end: number }, key: string) {
    return { kind: 'file', path: this.path, start: place.start, end: place.end, key } as const;
  }
}
