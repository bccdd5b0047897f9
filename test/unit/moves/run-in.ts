import { analyze, rewriteInput } from '../../../server/src/core/analyze';
import type { Dimension, Move } from '../../../server/src/core/moves/move';
import type { Closed } from '../../../server/src/core/moves/settled';
import { makeWrites } from '../../../server/src/core/moves/written';
import { Trials } from '../../../server/src/core/rewrite/trial';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** What one dimension offers to the run of the first file, and what each move does once it is written. */
export function opened(dimension: Dimension, files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('no first file');
  const input = { workspace, catalogs };
  const analysis = analyze(file, input);
  const { run } = analysis;
  if (!run) throw new Error('no run');
  const closed: Closed[] = [];
  const moves = dimension(run, (it) => closed.push(it));
  const trials = new Trials(analysis, rewriteInput(input), 'run');
  const written = (move: Move) => {
    const made = makeWrites(workspace, move.writes);
    if (!made) throw new Error(`cannot be written: ${move.title}`);
    const texts = Object.fromEntries([...made.sources].map(([path, { text }]) => [path.slice(ROOT.length + 1), text]));
    return { ...trials.with(made.sources), texts };
  };
  return { run, analysis, moves, closed, written };
}
