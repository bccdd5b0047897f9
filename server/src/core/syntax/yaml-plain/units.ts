/** The UTF-16 units that YAML's grammar turns on. */
export const TAB = 9;
export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const SINGLE_QUOTE = 39;
export const COMMA = 44;
export const DASH = 45;
export const DOT = 46;
export const COLON = 58;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const OPEN_BRACE = 123;
export const BAR = 124;
export const CLOSE_BRACE = 125;

/** Whether a line ends at this offset inside the text, with `\n` or `\r\n`. A `\r` alone is left to be refused. */
export function isLineEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (
    unit === LINE_FEED || (unit === CARRIAGE_RETURN && at + 1 < text.length && text.charCodeAt(at + 1) === LINE_FEED)
  );
}

/** Whether a space, a line end or the end of the text stands at `at`: what parts `- `, `: ` and `---` from a word. */
export function isBlank(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === SPACE || isLineEnd(text, at);
}

export function isFlowIndicator(unit: number): boolean {
  return (
    unit === COMMA || unit === OPEN_BRACKET || unit === CLOSE_BRACKET || unit === OPEN_BRACE || unit === CLOSE_BRACE
  );
}
