// Makes everything that is derived from files in git and is not itself kept there: the rule index, the compiled
// validators and the packed catalogs. Quick enough to run before each build and test run.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'generate');

/** Runs each generator in `scripts/generate/`, in order of name; each exports `generate(root)`. */
export async function generateAll() {
  const root = path.dirname(path.dirname(folder));
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.mjs')) continue;
    const { generate } = await import(pathToFileURL(path.join(folder, name)).href);
    await generate(root);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generateAll();
