import type { Output } from '../report';

/** One object, indented: people read it too. */
export function json(output: Output): string {
  return `${JSON.stringify(output, null, 2)}\n`;
}
