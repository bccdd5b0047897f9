import { MAX_DEPTH } from './limits';

/**
 * The offset at which the nesting passes {@link MAX_DEPTH}, or -1. One pass over the characters, before the recursive parser:
 * open brackets, indentation steps, and dashes on one line. Brackets and dashes in texts count too; a real file has a dozen.
 */
export function tooDeepAt(text: string): number {
  const indents: number[] = [];
  let brackets = 0;
  let at = 0;
  while (at < text.length) {
    // The start of a line: its indentation, and each compact `- ` in it, is one step of depth.
    let column = 0;
    for (; at < text.length; at++, column++) {
      const unit = text.charCodeAt(at);
      if (unit === 32) continue;
      const following = text.charCodeAt(at + 1);
      const isIndicator = (unit === 45 || unit === 63) && (following === 32 || following === 10 || following === 13);
      if (unit !== 10 && unit !== 13) step(indents, column);
      if (indents.length + brackets > MAX_DEPTH) return at;
      if (!isIndicator) break;
    }
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 10) {
        at++;
        break;
      }
      if (unit === 91 || unit === 123) {
        if (++brackets + indents.length > MAX_DEPTH) return at;
      } else if ((unit === 93 || unit === 125) && brackets > 0) {
        brackets--;
      }
    }
  }
  return -1;
}

function step(indents: number[], column: number): void {
  for (let top = indents[indents.length - 1]; top !== undefined && top >= column; top = indents[indents.length - 1]) {
    indents.pop();
  }
  indents.push(column);
}

/**
 * Puts letters of the same length in the place of `{{ … }}` and `${…}`, which YAML would read as mappings, and turns lines of
 * `{% … %}` into comments, so that a template parses and every offset stays. Texts without them are returned as they are.
 */
export function maskTemplates(text: string): string {
  if (!text.includes('{{') && !text.includes('${') && !text.includes('{%')) return text;
  let masked = '';
  let from = 0;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at)) {
    const end = templateEnd(text, at);
    if (end < 0) {
      at++;
      continue;
    }
    const start = text.charAt(at - 1) === '$' ? at - 1 : at;
    const isStatement = text.charAt(at + 1) === '%';
    masked += text.slice(from, start) + (isStatement ? '#'.padEnd(end - start, ' ') : 'x'.repeat(end - start));
    from = end;
    at = end;
  }
  return masked + text.slice(from);
}

/** The end of a template expression that begins at the brace and closes on its line, or -1. */
function templateEnd(text: string, at: number): number {
  const second = text.charAt(at + 1);
  const closing = second === '{' ? '}}' : second === '%' ? '%}' : text.charAt(at - 1) === '$' ? '}' : undefined;
  if (closing === undefined) return -1;
  const end = text.indexOf(closing, at + 1);
  if (end < 0) return -1;
  const line = text.indexOf('\n', at);
  if (line >= 0 && line < end) return -1;
  // An expression that would end behind the quote it began in is none: `"${x", "y}"`.
  const inner = text.slice(at, end);
  return isEven(inner, '"') && isEven(inner, "'") ? end + closing.length : -1;
}

function isEven(text: string, unit: string): boolean {
  let even = true;
  for (let at = text.indexOf(unit); at >= 0; at = text.indexOf(unit, at + 1)) even = !even;
  return even;
}
