import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HardwareImport, importHardware } from '../../../../server/src/core/hardware/import';
import { loadHardwareCatalog } from '../../../../server/src/data/hardware';

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../fixtures/machines');

/** What a machine printed, from test/fixtures/machines. */
export function printed(name: string): string {
  return readFileSync(path.join(folder, name), 'utf8');
}

export function imported(names: readonly string[], hardware?: string): HardwareImport {
  const texts = names.map((name) => ({ path: name, text: printed(name) }));
  return importHardware(texts, { catalog: loadHardwareCatalog(), hardware });
}

export function importedText(text: string, hardware?: string): HardwareImport {
  return importHardware([{ path: 'log', text }], { catalog: loadHardwareCatalog(), hardware });
}

/** The values that were read, by their place in the description. */
export function valuesOf({ values }: HardwareImport): Record<string, string | number> {
  return Object.fromEntries(values.map(({ key, value }) => [key, value]));
}
