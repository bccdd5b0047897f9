// `npm run bench`: how long people wait, beside what issue 2 allows. Times are of this machine at this moment; the ratios
// compare with work of Node alone in the same run. It prints, and judges nothing: a busy machine is no failing test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageExtension } from '../../scripts/package.mjs';
import { coldStart } from './cold-start.mjs';
import { estimate } from './estimate.mjs';
import { fit } from './fit.mjs';
import { keystrokes } from './keystrokes.mjs';
import { print } from './measure.mjs';
import { rules } from './rules.mjs';
import { sizes } from './sizes.mjs';
import { throughput } from './throughput.mjs';
import { yaml } from './yaml.mjs';

const parts = { sizes, 'cold-start': coldStart, keystrokes, rules, yaml, estimate, fit, throughput };
const wanted = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-bench-'));
try {
  // The cache of compiled code is the benchmark's own, so that it is known to be cold and then warm.
  process.env.XDG_CACHE_HOME = path.join(folder, 'cache');
  process.env.LOCALAPPDATA = path.join(folder, 'cache');
  await packageExtension();
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) print(await measure(folder));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
