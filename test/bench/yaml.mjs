import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadSource } from '../../scripts/load-source.mjs';
import { median, row } from './measure.mjs';
import { root } from './paths.mjs';

const RUNS = 15;
const ROUNDS = 100;
const FILES = ['qlora-24gb/sft.yaml', 'fsdp2-trl-two-nodes/sft.yaml', 'fsdp2-trl-two-nodes/accelerate.yaml'];

/** Our reader of plain YAML beside the YAML package, over the examples, both warm. */
export async function yaml() {
  const { readPlainYaml, composeYaml } = await readers();
  const texts = FILES.map((file) => readFileSync(path.join(root, 'examples', file), 'utf8'));
  for (const text of texts) if (readPlainYaml(text) === undefined) throw new Error('an example is left to the package');
  const microseconds = (read) => {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i++) for (const text of texts) read(text);
    return ((performance.now() - start) * 1000) / ROUNDS / texts.length;
  };
  const plain = [];
  const composed = [];
  for (let i = 0; i < RUNS; i++) {
    plain.push(microseconds(readPlainYaml));
    composed.push(microseconds(composeYaml));
  }
  return [
    row('reading a YAML config', median(plain), 'µs'),
    row('the same with the YAML package', median(composed), 'µs'),
    row('our reader beside the package', median(composed) / median(plain), '× as fast', 10, { atLeast: true }),
  ];
}

/** The two readers alone, since the bundle of the server does not show them. */
const readers = () => loadSource(['yaml-plain/read', 'yaml-compose'].map((it) => `server/src/core/syntax/${it}`));
