// Real VS Code for a test: its server on a free port, its workbench in headless Chromium, all state in one temporary folder.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { prepareEnvironment } from './environment.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'workbench.enableExperiments': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'git.enabled': false,
  'editor.inlayHints.enabled': 'on',
  'editor.minimap.enabled': false,
  'files.simpleDialog.enable': true,
};

/**
 * Starts the server over a copy of `workspace`, optionally with a `.vsix` installed. Returns the port, the folder of the
 * copy, a way to open pages, and `close()`, which must be called.
 */
export async function openWorkbench({
  workspace,
  vsix,
  settings = {},
  viewport = { width: 1400, height: 900 },
  theme,
}) {
  const environment = prepareEnvironment();
  const home = mkdtempSync(path.join(tmpdir(), 'shardlens-vscode-'));
  const at = (...parts) => path.join(home, ...parts);
  cpSync(workspace, at('workspace'), { recursive: true });
  mkdirSync(at('data', 'User'), { recursive: true });
  const colours = theme ? { 'workbench.colorTheme': theme } : {};
  writeFileSync(at('data', 'User', 'settings.json'), JSON.stringify({ ...SETTINGS, ...colours, ...settings }));
  const env = serverEnvironment(home);
  if (vsix) installExtension(environment, at, env, vsix);

  const server = spawn(environment.node, serverArguments(environment, at), { stdio: ['ignore', 'pipe', 'pipe'], env });
  const kill = () => server.kill('SIGKILL');
  process.on('exit', kill);
  const port = await boundPort(server);
  const context = await chromium.launchPersistentContext(at('chrome'), {
    executablePath: environment.chromium,
    headless: true,
    viewport,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    port,
    folder: at('workspace'),
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    /** URL of the workbench over the copy; `payload` as VS Code's web workbench takes it. */
    url: (payload) =>
      `http://127.0.0.1:${port}/?${new URLSearchParams({ folder: at('workspace'), payload: JSON.stringify(payload) })}`,
    remote: (file) => `vscode-remote://127.0.0.1:${port}${file}`,
    async close() {
      await context.close();
      const gone = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill('SIGTERM')) await gone;
      process.off('exit', kill);
      removeFolder(home);
    },
  };
}

/** VS Code's own child processes may still write a log: then the system clears the temporary folder later. */
function removeFolder(folder) {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  } catch (error) {
    if (error.code !== 'ENOTEMPTY') throw error;
  }
}

function serverEnvironment(home) {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(VSCODE_|ELECTRON_|npm_|NODE_OPTIONS)/.test(key));
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_DATA_HOME: home,
    // No gallery: the machine has no network, and a test must not wait for one.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
  };
}

function installExtension({ node, serverMain }, at, env, vsix) {
  const args = [serverMain, '--accept-server-license-terms', '--server-data-dir', at('server')];
  args.push('--extensions-dir', at('extensions'), '--install-extension', vsix);
  const { status, stdout, stderr } = spawnSync(node, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The package could not be installed: ${stdout}${stderr}`);
}

function serverArguments({ serverMain }, at) {
  return [
    serverMain,
    ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
    // Without it the built workbench ignores extensionTestsPath without a word.
    '--enable-smoke-test-driver',
    ...['--server-data-dir', at('server'), '--user-data-dir', at('data'), '--extensions-dir', at('extensions')],
    ...['--telemetry-level', 'off', '--disable-workspace-trust'],
  ];
}

function boundPort(server) {
  let output = '';
  return new Promise((resolve, reject) => {
    const listen = (data) => {
      output += data;
      const match = /Server bound to 127\.0\.0\.1:(\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
    };
    server.stdout.on('data', listen);
    server.stderr.on('data', listen);
    server.once('exit', (code) => reject(new Error(`VS Code's server ended with ${code}:\n${output}`)));
  });
}

/** A workbench that is starting, or turning to another group, drops a key; a user presses it again. */
export async function pressUntilShown(page, key, shown) {
  for (let attempt = 0; attempt < 5; attempt++) {
    await page.keyboard.press(key);
    const isShown = await shown.waitFor({ timeout: 12_000 }).then(
      () => true,
      () => false,
    );
    if (isShown) return;
  }
  throw new Error(`${key} shows nothing`);
}
