import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

/** Invariant 1 of server/ARCHITECTURE.md: the core imports nothing outside the core, and knows neither clock, chance, place nor process. */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly external: boolean;
}

let files: readonly string[] = [];
let imports: readonly Import[] = [];

beforeAll(async () => {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    // A browser has no Node modules: an import of one would not resolve.
    platform: 'browser',
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    format: 'esm',
    outdir: 'nowhere',
    entryPoints: ['server/src/core/analyze.ts', 'server/src/core/features/*.ts'],
    logLevel: 'silent',
  });
  files = Object.keys(metafile.inputs);
  imports = Object.entries(metafile.inputs).flatMap(([from, input]) =>
    input.imports.map(({ path: to, external }) => ({ from, to, external: external === true })),
  );
});

describe('the core', () => {
  it('is looked at as a whole', () => {
    expect(files.length).toBeGreaterThan(250);
  });

  it('imports no file outside its folder', () => {
    expect(files.filter((file) => !file.startsWith('server/src/core/'))).toEqual([]);
  });

  it('imports two packages only, in syntax/', () => {
    const packages = imports.filter(({ external }) => external);
    expect([...new Set(packages.map(({ to }) => to))].sort()).toEqual(['jsonc-parser', 'yaml']);
    expect(packages.filter(({ from }) => !from.startsWith('server/src/core/syntax/'))).toEqual([]);
  });

  it('asks neither the clock, nor chance, nor the machine, nor the locale', async () => {
    const found: string[] = [];
    for (const file of files) {
      // Comments and types go, what is run stays.
      const { code } = await esbuild.transform(readFileSync(path.join(root, file), 'utf8'), {
        loader: 'ts',
        minifyWhitespace: true,
      });
      const match = FORBIDDEN.exec(code);
      if (match) found.push(`${file}: ${match[0]}`);
    }
    expect(found).toEqual([]);
  });
});

/** Names of what differs from run to run or from machine to machine. */
const FORBIDDEN =
  /\bDate\s*[.(]|\bnew Date\b|Math\.random|\bprocess\.\w|\bperformance\.|\bsetTimeout\b|\bsetInterval\b|\bfetch\(|\brequire\(|\bimport\(|\bglobalThis\b|\bIntl\.|\.localeCompare\(|\.toLocale\w*\(|\bcrypto\./;
