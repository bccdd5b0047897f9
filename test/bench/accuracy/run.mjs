// `npm run bench:accuracy`: predictions beside what others measured, from files a user could have written.
// `--write` also writes docs/accuracy.md; `--bands` writes the recorded residuals that the bands come from.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';
import { bandsOf, heldBack, heldVerdicts, writeBands } from './bands.mjs';
import { loadPipeline, predict, readPoints } from './predict.mjs';
import { report } from './report.mjs';
import { score } from './score.mjs';
import { timeBandsOf, timeHeldBack, writeTimeBands } from './time-bands.mjs';

const { points, leftOut, ownLeftOut } = readPoints();
const pipeline = await loadPipeline();
const predictAll = (some) => [...new Set(some)].flatMap((point) => score(point, predict(pipeline, point)));
const all = predictAll(points);
const scored = all.filter(({ contradicted }) => !contradicted);
const stamp = { commit: commit(), date: new Date().toISOString().slice(0, 10) };
const bands = bandsOf(scored);
if (process.argv.includes('--bands')) {
  writeBands(bands, stamp);
  writeTimeBands(timeBandsOf(scored), stamp);
}
const held = heldBack(scored);
const memory = scored.filter(({ what, residual }) => what === 'memory' && residual !== undefined);
const heldFits = heldVerdicts(memory, { predictAll, useBands: pipeline.useBands });
const contradicted = all.filter((row) => row.contradicted);
const text = report(scored, leftOut, {
  ...stamp,
  held,
  heldFits,
  contradicted,
  ownLeftOut,
  timeHeld: timeHeldBack(scored),
});
process.stdout.write(`${text}\n`);
if (process.argv.includes('--write')) writeFileSync(path.join(root, 'docs', 'accuracy.md'), `${text}\n`);

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
