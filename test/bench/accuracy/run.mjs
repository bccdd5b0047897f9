// `npm run bench:accuracy`: predictions beside what others measured, from files a user could have written.
// `--write` also writes docs/accuracy.md; `--bands` writes the recorded residuals that the bands come from.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';
import { bandsOf, heldBack, writeBands } from './bands.mjs';
import { loadPipeline, predict, readPoints } from './predict.mjs';
import { report } from './report.mjs';
import { score } from './score.mjs';

const { points, leftOut, ownLeftOut } = readPoints();
const pipeline = await loadPipeline();
const scored = points.flatMap((point) => score(point, predict(pipeline, point)));
const stamp = { commit: commit(), date: new Date().toISOString().slice(0, 10) };
if (process.argv.includes('--bands')) writeBands(bandsOf(scored), stamp);
const text = report(scored, leftOut, { ...stamp, held: heldBack(scored), ownLeftOut });
process.stdout.write(`${text}\n`);
if (process.argv.includes('--write')) writeFileSync(path.join(root, 'docs', 'accuracy.md'), `${text}\n`);

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
