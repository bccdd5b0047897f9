// The main job on the examples: check each, estimate each, and show what a broken one looks like.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const RUNS = [
  { title: 'Llama-3-8B, ZeRO-3, everything offloaded', config: 'llama-3-8b-zero3-offload/ds_zero3.json' },
  { title: 'Qwen2.5-32B, FSDP2 with TRL on two nodes', config: 'fsdp2-trl-two-nodes/sft.yaml' },
  { title: 'Llama-3.1-8B, QLoRA on one card of 24 GB', config: 'qlora-24gb/sft.yaml' },
];

await build();
for (const { title, config } of RUNS) {
  console.log(`\n── ${title} ──\n`);
  shardlens(0, 'check', path.join('examples', path.dirname(config)));
  shardlens(0, 'estimate', path.join('examples', config));
}
console.log('\n── A broken set ──\n');
shardlens(1, 'check', 'examples/broken');

/** Runs the bundle; a status other than the expected one ends the script with it. */
function shardlens(expected, ...args) {
  console.log(`$ shardlens ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, ['dist/shardlens.js', ...args], { cwd: root, stdio: 'inherit' });
  if (status === expected) return;
  console.error(`shardlens ${args.join(' ')} ended with ${status}, expected ${expected}`);
  process.exit(status || 1);
}
