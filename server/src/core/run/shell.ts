import { join } from '../paths';
import type { Path } from '../source';
import type { Known } from './known';
import { arithmeticChanges, surelySucceeds } from './shell-changes';
import { BREAKS, Cursor } from './shell-cursor';
import { isOpening, Variables } from './shell-variables';
import { type Word, Words } from './shell-words';
import { slurmOptions } from './slurm-variables';

/** One simple command with the variables set before it. */
export interface Command {
  readonly words: readonly Word[];
  /** Variables exported, or assigned in front of this command. */
  readonly environment: ReadonlyMap<string, Known<string>>;
  /** Folder that the script has gone to by `cd`, from where it began; empty where it has not, or where that is not written out. */
  readonly folder: string;
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

class Reader {
  private words: Word[] = [];
  private readonly commands: Command[] = [];
  private readonly slurm = new Map<string, Word>();
  private readonly cursor: Cursor;
  private readonly variables: Variables;
  private readonly next: Words;
  private heredoc: string | undefined;
  private folder = '';
  /** Where the shells around this one are. */
  private readonly outer: string[] = [];
  /** The words of this command so far belong to the shell: `then`, `{`. */
  private isOpen = true;
  /** A line that ends here goes on in the next: behind `&&`. */
  private goesOn = false;
  /** The next `{` or `(` begins the body of a function. */
  private isFunction = false;
  /** Where the next `))` is, as far as that has been looked for. */
  private close = -1;

  constructor(
    private readonly path: Path,
    private readonly text: string,
  ) {
    this.cursor = new Cursor(text);
    this.variables = new Variables(text);
    this.next = new Words(path, this.cursor, this.variables, this.slurm);
  }

  read(): Script {
    while (!this.cursor.isAtEnd()) this.step();
    this.endCommand();
    return { commands: this.commands, slurm: this.slurm };
  }

  private step(): void {
    const { cursor } = this;
    const char = cursor.char();
    if (char === '\n') {
      // Behind `&&` and `||` a command may go on in the next line.
      if (this.words.length > 0) this.endCommand();
      if (!this.goesOn) this.variables.ways.endList();
      // Make runs each line in a shell of its own.
      if (/akefile$|\.mk$/.test(this.path)) this.folder = '';
      cursor.at++;
      if (this.heredoc !== undefined) this.skipHeredoc();
    } else if (cursor.isContinuation()) cursor.skipContinuation();
    else if (char === '#' && cursor.startsWord()) this.comment();
    else if (char === '<' || char === '>') this.redirect();
    else if (char === '(' && this.arithmetic()) this.goesOn = false;
    else if (char === ';' || char === '|' || char === '&' || char === '(' || char === ')') this.operator(char);
    else if (char === ' ' || char === '\t' || char === '\r') cursor.at++;
    else for (const word of this.next.read()) this.push(word);
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
    const { cursor, text } = this;
    const isFor = this.words.length === 1 && this.words[0]?.raw === 'for';
    if (cursor.char(1) !== '(' || (!isFor && !this.isOpen)) return false;
    if (this.close < cursor.at) {
      const close = text.indexOf('))', cursor.at);
      this.close = close < 0 ? text.length : close;
    }
    const expression = text.slice(cursor.at + 2, this.close);
    // Two shells one in the other have commands in them.
    if (this.close >= text.length || (isFor ? /\n/ : /[;\n]/).test(expression)) return false;
    this.variables.change(arithmeticChanges(expression));
    cursor.at = this.close + 2;
    while (cursor.char() === ')') cursor.at++;
    return true;
  }

  /** What ends a command. What stands behind `||`, and behind `&&` where the command may fail, may not run. */
  private operator(char: string): void {
    const { cursor } = this;
    const isDouble = cursor.char(1) === char;
    const joins = isDouble && (char === '|' || char === '&');
    const named = char === '(' ? /^\(\s*\)/.exec(this.text.slice(cursor.at, cursor.at + 20))?.[0] : undefined;
    if (named !== undefined && this.words.length > 0) {
      this.startFunction();
      cursor.at += named.length;
      return;
    }
    const decides = joins && (char === '|' || !surelySucceeds(this.words));
    this.endCommand();
    const { ways } = this.variables;
    if (decides) ways.word(char + char);
    else if (!joins && char !== '|' && char !== '(') ways.endList();
    this.goesOn = joins || char === '|' || (this.goesOn && char === '(');
    if (isDouble && char === ';') ways.nextPattern();
    if (char === '(') this.outer.push(this.folder);
    else if (char === ')') this.folder = this.outer.pop() ?? this.folder;
    if (char === '(' || char === ')') ways.word(char, this.isFunction);
    if (char === '(') this.isFunction = false;
    cursor.at += isDouble && char !== '(' && char !== ')' ? 2 : 1;
  }

  private comment(): void {
    const { cursor } = this;
    const start = cursor.at;
    cursor.at = cursor.lineEnd();
    for (const [name, word] of slurmOptions(this.path, this.text.slice(start, cursor.at), start))
      this.slurm.set(name, word);
  }

  /** `> file`, `2>&1`, `<< EOF`: no words of the command. */
  private redirect(): void {
    const { cursor } = this;
    const sign = /^[<>]+(?:&\d*|[|-])?/.exec(this.text.slice(cursor.at, cursor.at + 4))?.[0] ?? '<';
    // The 2 of `2>&1` is no word.
    const last = this.words[this.words.length - 1];
    if (last?.end === cursor.at && /^\d+$/.test(last.raw)) this.words.pop();
    cursor.at += sign.length;
    while (cursor.char() === ' ') cursor.at++;
    if (cursor.isAtEnd() || BREAKS.has(cursor.char())) return;
    const target = this.next.word();
    if (/^<<-?$/.test(sign)) this.heredoc = target.raw.replace(/^["'\\]|["']$/g, '');
  }

  private skipHeredoc(): void {
    const { cursor } = this;
    while (!cursor.isAtEnd()) {
      const end = cursor.lineEnd();
      const line = this.text.slice(cursor.at, end).trim();
      // What a document in the script takes from a variable depends on it too.
      for (const [, name = ''] of line.matchAll(/\$\{?([A-Za-z_]\w*)/g)) this.variables.use(name, cursor.at);
      cursor.at = Math.min(end + 1, this.text.length);
      if (line === this.heredoc) break;
    }
    this.heredoc = undefined;
  }

  private follow({ words: [name, to] }: Pick<Command, 'words'>): void {
    if (!/^(cd|pushd|popd)$/.test(name?.raw ?? '')) return;
    const text = to?.text.known ? to.text.value : '';
    this.folder = name?.raw !== 'popd' && /^[\w.][\w./-]*$/.test(text) ? join(this.folder, text) : '';
  }

  private endCommand(): void {
    const words = this.words;
    this.words = [];
    this.isOpen = true;
    if (words.length === 2 && words[0]?.raw === 'function') this.isFunction = true;
    else if (words.length > 0) {
      const command = this.variables.run(words);
      if (command) this.commands.push({ ...command, folder: this.folder });
      if (command) this.follow(command);
    }
  }
}
