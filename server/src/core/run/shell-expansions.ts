import type { Known } from './known';
import { arithmeticChanges } from './shell-changes';
import type { Cursor } from './shell-cursor';
import type { Variables } from './shell-variables';
import type { Word } from './shell-words';
import { slurmVariable } from './slurm-variables';

/** A part of a word: literal text, or why it is not known. */
export interface Piece {
  readonly value: string;
  readonly why: string | undefined;
}

/** As much text as variables may expand to in one script; more is not looked into. */
const MAX_EXPANDED = 512 * 1024;

/** Reads `$NAME`, `${NAME:-x}`, `$(…)` and their like at the cursor, as far as the script itself says what they are. */
export class Expansions {
  private expandedLength = 0;

  constructor(
    private readonly cursor: Cursor,
    private readonly variables: Variables,
    private readonly slurm: ReadonlyMap<string, Word>,
  ) {}

  /** Whether a script may expand to so much more text. */
  mayExpand(length: number): boolean {
    this.expandedLength += length;
    return this.expandedLength <= MAX_EXPANDED;
  }

  /** `$NAME` and `${NAME}` with a literal value; anything cleverer is not known here. */
  read(): Piece {
    const { cursor } = this;
    const rest = cursor.text.slice(cursor.at, cursor.at + 200);
    const simple = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest);
    if (simple) {
      cursor.at += simple[0].length;
      const value = this.valueOf(simple[1] ?? simple[2] ?? '');
      return value?.known && this.mayExpand(value.value.length)
        ? { value: value.value, why: undefined }
        : { value: '', why: `${simple[0]} is set elsewhere` };
    }
    if (rest[0] === '$' && !/^\$[({\w@*#?!$-]/.test(rest)) {
      cursor.at++;
      return { value: '$', why: undefined };
    }
    return this.computed();
  }

  /** What the shell works out; the variables in it are used, and some are changed. */
  private computed(): Piece {
    const { cursor, variables } = this;
    const start = cursor.at;
    this.skip();
    const skipped = cursor.text.slice(start, Math.min(cursor.at, start + 30));
    const whole = cursor.text.slice(start, cursor.at);
    const value = this.orElse(whole) ?? this.result(whole);
    if (value !== undefined) return { value, why: undefined };
    for (const [, name = ''] of skipped.matchAll(/[${]([A-Za-z_]\w*)/g)) variables.use(name, start);
    if (skipped.startsWith('$((')) variables.change(arithmeticChanges(cursor.text.slice(start + 3, cursor.at - 2)));
    const assigns = /^\$\{([A-Za-z_]\w*):?=/.exec(skipped)?.[1];
    if (assigns !== undefined) variables.change([assigns]);
    return { value: '', why: `${skipped} is computed by the shell` };
  }

  /** `${NAME:-x}` and its like where NAME is known: what it is, or the literal x where it is known to be empty. */
  private orElse(text: string): string | undefined {
    const found = /^\$\{([A-Za-z_]\w*)(:?)[-=?](.*)\}$/s.exec(text);
    if (!found) return undefined;
    const [, name = '', colon, other = ''] = found;
    const value = this.valueOf(name);
    if (!value?.known || !this.mayExpand(value.value.length)) return undefined;
    if (value.value !== '' || colon === '') return value.value;
    // `:=` assigns it.
    if (text.startsWith(`\${${name}:=`)) return undefined;
    return /^[\w.,:/+-]*$/.test(other) ? other : undefined;
  }

  /** `$((NODES * 8))` of two whole numbers. */
  private result(text: string): string | undefined {
    const [, left = '', sign, right = ''] =
      /^\$\(\(\s*(?:\$?\{?([A-Za-z_]\w*|\d+)\}?)\s*([*+-])\s*(?:\$?\{?([A-Za-z_]\w*|\d+)\}?)\s*\)\)$/.exec(text) ?? [];
    const [a = Number.NaN, b = Number.NaN] = [left, right].map((name) => {
      const value = /^\d/.test(name) ? name : this.valueOf(name);
      const digits = typeof value === 'string' ? value : value?.known ? value.value : '';
      return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : Number.NaN;
    });
    const result = sign === '*' ? a * b : sign === '+' ? a + b : a - b;
    return Number.isSafeInteger(result) ? String(result) : undefined;
  }

  private valueOf(name: string): Known<string> | undefined {
    return this.variables.use(name, this.cursor.at) ?? slurmVariable(name, this.slurm);
  }

  /** Moves the cursor behind an expansion with all that is in its brackets. */
  private skip(): void {
    const { cursor } = this;
    const open = cursor.char() === '`' ? '`' : cursor.char(1);
    const close = { '`': '`', '(': ')', '{': '}' }[open];
    cursor.at += open === '`' ? 1 : Math.min(2, cursor.text.length - cursor.at);
    if (close === undefined) return;
    for (let depth = 1; depth > 0 && !cursor.isAtEnd(); cursor.at++) {
      const char = cursor.char();
      if (char === close) depth--;
      else if (char === open) depth++;
    }
  }
}
