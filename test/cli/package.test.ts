import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listFiles, PackageManager } from '@vscode/vsce';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const named = (folder: string, ending: string) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

describe('the package', () => {
  let server = '';
  beforeAll(async () => {
    server = await bundle();
  });

  it('holds exactly the allowed files', async () => {
    const optional = ['CHANGELOG.md', 'docs/images/icon.png'];
    const allowed = [
      ...['LICENSE', 'README.md', 'package.json', 'dist/extension.js', 'dist/shardlens.js'],
      ...['dist/breakdown.js', 'dist/breakdown.css'],
      ...named('schemas', '.schema.json'),
      ...named('snippets', '.json'),
    ];
    const packed = await listFiles({ cwd: root, packageManager: PackageManager.None });
    expect(packed.filter((file) => !optional.includes(file)).sort()).toEqual(allowed.sort());
  });

  it('holds a server of at most 1.5 MB, the catalogs in it', () => {
    expect(statSync(server).size).toBeLessThanOrEqual(1_500_000);
  });

  it('holds a breakdown view of at most 0.4 MB, which is embedded in every page', () => {
    expect(statSync(path.join(path.dirname(server), 'breakdown.js')).size).toBeLessThanOrEqual(400_000);
  });
});
