import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Modules that a check of a plain config never calls, and that bring much with them. In the bundle each is run when one of its
 * functions is first called, since a command is over in the time that running all modules takes. They may export functions only.
 */
const LATE = [
  'core/syntax/yaml-compose',
  // Only where a launch line gives training arguments.
  'core/launched/launched',
  // Only where a run does not fit or is slow: they try what a search tries.
  'core/rules-support/memory-fixes',
  'core/rules-support/offload-edits',
  'core/rules-support/shard-edits',
  'cli/thread',
  // Only where a path holds other characters than most.
  'lsp/uri-escapes',
];

/** What editors ask for is late too, all but what a check asks for. */
const REQUESTS = 'lsp/requests/';
const EARLY_REQUESTS = ['check', 'diagnostic'];

/** How the others name them; the last by a neighbour in its folder. */
const NAMES = new RegExp(
  `[/](?:${[...LATE.map((each) => path.posix.basename(each)), 'requests[/][\\w-]+', 'what-if'].join('|')})$`,
);

function isLate(file) {
  const [, inside = ''] = file.replaceAll('\\', '/').split('/server/src/');
  const name = inside.replace(/\.ts$/, '');
  if (name.startsWith(REQUESTS)) return !EARLY_REQUESTS.includes(name.slice(REQUESTS.length));
  return LATE.includes(name);
}

/** In the place of each: functions of the same names, which run the module and call its own. */
export const loadLate = {
  name: 'load-late',
  setup(build) {
    build.onResolve({ filter: NAMES }, async ({ path: name, pluginData, ...how }) => {
      if (pluginData === REAL) return undefined;
      const found = await build.resolve(name, { ...how, pluginData: REAL });
      return isLate(found.path) ? { path: found.path, namespace: 'late' } : found;
    });
    build.onLoad({ filter: /./, namespace: 'late' }, ({ path: file }) => ({
      contents: standIn(file),
      loader: 'js',
      resolveDir: path.dirname(file),
    }));
  },
};

/** The resolution that this plugin asks for itself. */
const REAL = 'real';

function standIn(file) {
  const text = readFileSync(file, 'utf8');
  const values = [...text.matchAll(/^export (?!type |interface )(?:async )?(\w+)\*? (\w+)/gm)];
  const other = values.find(([, kind]) => kind !== 'function');
  if (other) throw new Error(`${file}: a module that is loaded late exports functions only, and not ${other[2]}`);
  const lines = values.map(([, , name]) => `export function ${name}(...given) { return own().${name}(...given); }`);
  return `let loaded;\nconst own = () => (loaded ??= require(${JSON.stringify(file)}));\n${lines.join('\n')}\n`;
}
