/**
 * Path globs of shardlens.json, relative to its folder: `*` and `?` stay inside one part, `**` spans parts, `{a,b}` is a choice.
 * Everything else is literal. Matched by stepping a set of states, so no pattern can make it slow.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const text = pattern.startsWith('./') ? pattern.slice(2) : pattern;
  if (isLiteral(text)) return (path) => path === text;
  const alternatives = expandBraces(text, MAX_ALTERNATIVES).map(tokens);
  return (path) => alternatives.some((steps) => matches(steps, path));
}

/** True where a pattern names exactly one path. */
export function isLiteral(pattern: string): boolean {
  return !/[*?{]/.test(pattern);
}

const MAX_ALTERNATIVES = 100;

/** `a{b,c}d` is `abd` and `acd`; braces do not nest, an unclosed one is literal. */
function expandBraces(pattern: string, limit: number): string[] {
  const open = pattern.indexOf('{');
  const close = pattern.indexOf('}', open);
  if (open < 0 || close < 0 || limit <= 1) return [pattern];
  const choices = pattern.slice(open + 1, close).split(',');
  const rest = expandBraces(pattern.slice(close + 1), Math.floor(limit / choices.length));
  const before = pattern.slice(0, open);
  return choices.flatMap((choice) => rest.map((after) => before + choice + after)).slice(0, limit);
}

/** A literal character, or: `?` one character, `*` any inside a part, `**` any, `**` + `/` any number of whole parts. */
type Step = { readonly kind: 'char'; readonly char: string } | { readonly kind: '?' | '*' | '**' | '**/' };

function tokens(pattern: string): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? '';
    if (char === '?') steps.push({ kind: '?' });
    else if (char !== '*') steps.push({ kind: 'char', char });
    else {
      const first = i;
      while (pattern[i + 1] === '*') i++;
      const startsPart = first === 0 || pattern[first - 1] === '/';
      if (i === first) steps.push({ kind: '*' });
      else if (startsPart && pattern[i + 1] === '/') {
        steps.push({ kind: '**/' });
        i++;
      } else steps.push({ kind: '**' });
    }
  }
  return steps;
}

function matches(steps: readonly Step[], path: string): boolean {
  let states = closure(new Set([0]), steps, true);
  for (let i = 0; i < path.length && states.size > 0; i++) {
    const char = path[i] ?? '';
    const next = new Set<number>();
    for (const state of states) {
      const step = steps[state];
      if (!step) continue;
      if (step.kind === 'char' ? step.char === char : step.kind === '?' && char !== '/') next.add(state + 1);
      else if (step.kind === '*' ? char !== '/' : step.kind === '**' || step.kind === '**/') next.add(state);
    }
    states = closure(next, steps, char === '/');
  }
  return states.has(steps.length);
}

/** Steps that may match nothing are skipped; `**` + `/` only where a part begins. */
function closure(states: Set<number>, steps: readonly Step[], atPart: boolean): Set<number> {
  for (const state of states) {
    const kind = steps[state]?.kind;
    if (kind === '*' || kind === '**' || (kind === '**/' && atPart)) states.add(state + 1);
  }
  return states;
}
