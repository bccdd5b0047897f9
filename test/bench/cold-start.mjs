import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { median, row } from './measure.mjs';
import { example, root, server } from './paths.mjs';

const RUNS = 25;

/** From starting the process to its end, the findings printed; `node -e 0` takes turns with it. */
export function coldStart() {
  const deepspeed = [server, 'check', path.join(example, 'ds_zero3.json')];
  const commands = {
    node: ['-e', '0'],
    joined: deepspeed,
    trainer: [server, 'check', path.join(root, 'examples', 'qlora-24gb', 'sft.yaml')],
  };
  const times = { node: [], joined: [], trainer: [], uncached: [] };
  const run = (args, env = {}) => {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
    return performance.now() - start;
  };
  for (const args of Object.values(commands)) for (let i = 0; i < 3; i++) run(args); // The cache of compiled code settles.
  for (let i = 0; i < RUNS; i++) {
    for (const [name, args] of Object.entries(commands)) times[name].push(run(args));
    times.uncached.push(run(deepspeed, { SHARDLENS_NO_CACHE: '1' }));
  }
  const node = median(times.node);
  const ratio = (what, name, limit) =>
    row(what, median(times[name]) / node, '× node', limit, { note: `${Math.round(median(times[name]))} ms` });
  return [
    row('node -e 0', node, 'ms'),
    ratio('first diagnostic, Trainer file', 'trainer', 2),
    ratio('first diagnostic, four joined files', 'joined', 2),
    ratio('the same, first run after an update', 'uncached'),
  ];
}
