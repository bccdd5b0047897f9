/** Words for what a text is, not how it looks; plain where the output is no terminal. */
export interface Colours {
  error(text: string): string;
  warning(text: string): string;
  information(text: string): string;
  hint(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

/** Colours for a stream: only on a terminal, and never where NO_COLOR is set (https://no-color.org). */
export function coloursFor(
  stream: { readonly isTTY?: boolean },
  environment: NodeJS.ProcessEnv = process.env,
): Colours {
  const wanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  const paint = (code: number) =>
    wanted ? (text: string) => `\u001b[${code}m${text}\u001b[0m` : (text: string) => text;
  return {
    error: paint(31),
    warning: paint(33),
    information: paint(36),
    hint: paint(90),
    strong: paint(1),
    faint: paint(2),
  };
}
