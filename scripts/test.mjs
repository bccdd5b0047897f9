// Every check of the project, in the order in which a failure is cheapest to meet. Ends with the number of tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateAll } from './generate.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const unitReport = path.join(root, 'dist', 'unit-tests.json');
let passed = 0;

mkdirSync(path.join(root, 'dist'), { recursive: true });
await generateAll();
step('Types', 'npm', ['run', '--silent', 'typecheck']);
step('Lint and format', 'npm', ['run', '--silent', 'lint']);
step('Unit, rule, protocol and command-line tests', 'npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${unitReport}`,
]);
passed += JSON.parse(readFileSync(unitReport, 'utf8')).numPassedTests;
const editor = step('Editor tests in real VS Code', 'npm', ['run', '--silent', 'test:vscode'], { capture: true });
passed += Number(/(\d+) passing/.exec(editor)?.[1] ?? 0);
console.log(`\ntests: ${passed} passed, 0 failed`);

/** Runs one step; the first that fails ends the run with its status. */
function step(title, command, args, { capture = false } = {}) {
  console.log(`\n── ${title} ──`);
  const started = performance.now();
  const stdio = ['ignore', capture ? 'pipe' : 'inherit', 'inherit'];
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    stdio,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (stdout) process.stdout.write(stdout);
  if (error || status !== 0) {
    console.error(`\n${title}: failed (${error?.message ?? `status ${status}`})`);
    process.exit(status || 1);
  }
  console.log(`${title}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return stdout ?? '';
}
