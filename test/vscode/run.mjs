// Runs the editor tests against the packed extension: the suite inside VS Code's extension host, then the user's view in
// the workbench (squiggle, lens, hint, hover, quick fix, breakdown) and the breakdown as a page of its own. A desktop VS
// Code is used for the suite where one is given.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import esbuild from 'esbuild';
import JSZip from 'jszip';
import { packageExtension } from '../../scripts/package.mjs';
import { testBreakdownPage, testBreakdownView } from './breakdown-view.mjs';
import { testUserView } from './user-view.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

const vsix = await packageExtension();
const temporary = mkdtempSync(path.join(tmpdir(), 'shardlens-editor-'));
try {
  const unpacked = path.join(temporary, 'vsix');
  const workspace = path.join(temporary, 'workspace');
  await unpack(vsix, unpacked);
  // A copy, because the tests edit files.
  cpSync(path.join(here, 'workspace'), workspace, { recursive: true });
  cpSync(path.join(root, 'examples'), path.join(workspace, 'examples'), { recursive: true });
  await runSuite(path.join(unpacked, 'extension'), workspace);
  await testUserView(vsix);
  await testBreakdownPage(path.join(unpacked, 'extension', 'dist', 'shardlens.js'));
  await testBreakdownView(vsix);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** What users install is what is tested: the suite runs on the unpacked package, not on the source folder. */
async function unpack(archive, folder) {
  const zip = await JSZip.loadAsync(readFileSync(archive));
  for (const entry of Object.values(zip.files)) {
    if (entry.dir) continue;
    const file = path.join(folder, entry.name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, await entry.async('nodebuffer'));
  }
}

/** The ordinary VS Code integration suite, through the official runner. */
async function runSuite(extensionDevelopmentPath, workspace) {
  const tests = path.join(root, 'dist', 'test-vscode');
  rmSync(tests, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: readdirSync(path.join(here, 'suite'))
      .filter((name) => name === 'index.ts' || name.endsWith('.test.ts'))
      .map((name) => path.join(here, 'suite', name)),
    outdir: tests,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode', 'mocha'],
  });
  const desktop = process.env.VSCODE_EXECUTABLE;
  console.log(desktop ? `Editor tests in ${desktop}` : "Editor tests in VS Code's server and workbench (no Electron)");
  await runTests({
    vscodeExecutablePath: desktop ?? path.join(here, 'code-shim.mjs'),
    extensionDevelopmentPath,
    extensionTestsPath: path.join(tests, 'index'),
    launchArgs: [workspace],
  });
}
