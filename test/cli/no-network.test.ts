import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

/** Invariant 4 of server/ARCHITECTURE.md: no network, no child process, no code from the workspace. Reads inside the roots: protocol/files. */

const examples = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../examples');

/**
 * Modules the server's bundle may ask Node for. `net` is vscode-jsonrpc's, for channels that are not offered here: the second test
 * shows that no socket is opened. `node:vm` and `node:v8` keep the compiled program, not anything of the workspace.
 */
const ALLOWED = new Set([
  ...['buffer', 'crypto', 'fs', 'module', 'net', 'os', 'path', 'process', 'url', 'util', 'v8', 'vm'],
  ...['worker_threads', 'zlib'],
]);

describe('the bundle', () => {
  it('asks for no module that could reach the network or start a program', async () => {
    const text = readFileSync(await bundle(), 'utf8');
    const names = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name.replace(/^node:/, ''));
    expect(names.length).toBeGreaterThan(0);
    expect([...new Set(names)].filter((name) => !ALLOWED.has(name))).toEqual([]);
    expect(text).not.toMatch(/\bnew Function\(|\beval\(/);
  });

  it('opens no socket, looks no name up and starts nothing while it works', async () => {
    const trap = `
      const refuse = (what) => () => { require('node:fs').writeSync(2, 'REACHED OUT: ' + what + '\\n'); process.exit(99); };
      const net = require('node:net');
      net.Socket.prototype.connect = refuse('net');
      net.Server.prototype.listen = refuse('listen');
      for (const name of ['lookup', 'resolve']) require('node:dns')[name] = refuse('dns');
      for (const name of ['spawn', 'spawnSync', 'exec', 'execFile', 'fork']) require('node:child_process')[name] = refuse(name);
      globalThis.fetch = refuse('fetch');
    `;
    const folder = folderWith({ 'trap.cjs': trap });
    const env = { NODE_OPTIONS: `--require ${path.join(folder, 'trap.cjs')}` };
    const example = path.join(examples, 'llama-3-8b-zero3-offload');
    for (const args of [
      ['check', examples, '--format', 'json'],
      ['estimate', path.join(example, 'train.yaml')],
      ['models', 'show', 'meta-llama/Meta-Llama-3-8B'],
      ['hardware', 'list'],
    ]) {
      const outcome = await shardlens(folder, args, { env });
      expect(outcome.err).not.toContain('REACHED OUT');
      expect([0, 1]).toContain(outcome.status);
    }
  });

  it('runs nothing that lies in the workspace', async () => {
    const evil = "require('node:fs').writeFileSync('ran', ''); module.exports = {};";
    const folder = folderWith({
      'ds_config.json': '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 } }',
      'package.json': '{ "main": "index.js", "type": "commonjs" }',
      'index.js': evil,
      'shardlens.config.js': evil,
      'shardlens.js': evil,
      'node_modules/yaml/index.js': evil,
      'node_modules/jsonc-parser/index.js': evil,
      'train.py': 'open("ran", "w")',
      'run.sh': 'touch ran\ndeepspeed --num_gpus 4 train.py --deepspeed $(touch ran; echo ds_config.json)\n',
    });
    await shardlens(folder, ['check']);
    await shardlens(folder, ['estimate', 'ds_config.json']);
    expect(() => readFileSync(path.join(folder, 'ran'))).toThrow('ENOENT');
  });
});
