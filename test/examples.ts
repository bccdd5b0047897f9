import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const EXAMPLES = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../examples');

/** The example folders of the repository by name, each with its files by their path in it. */
export function exampleFolders(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return Object.fromEntries(folders.map(({ name }) => [name, filesUnder(path.join(EXAMPLES, name), '')]));
}

function filesUnder(folder: string, prefix: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) Object.assign(files, filesUnder(place, `${prefix}${entry.name}/`));
    else files[prefix + entry.name] = readFileSync(place, 'utf8');
  }
  return files;
}
