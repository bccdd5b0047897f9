import { generateAll } from '../scripts/generate.mjs';

/** Generated files are made once, before any test file is loaded. */
export async function setup(): Promise<void> {
  await generateAll();
}
