import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadSource } from '../../scripts/load-source.mjs';
import { median, row } from './measure.mjs';
import { example } from './paths.mjs';

const WARM_UP = 200;
const TIMES = 300;
const BYTES = 4096;
const SLOWEST = 10;

/** Findings of a config of 4 KB that is read and joined already, in each of two dialects; and which rules take the time. */
export async function rules() {
  const core = await bundled();
  const catalogs = core.loadCatalogs();
  const files = Object.fromEntries(
    ['ds_zero3.json', 'train.yaml', 'shardlens.json'].map((name) => [
      name,
      readFileSync(path.join(example, name), 'utf8'),
    ]),
  );
  const padded = {
    'ds_zero3.json': paddedJson(files['ds_zero3.json']),
    'train.yaml': paddedYaml(files['train.yaml'], catalogs.schema('trainer')),
  };
  const rows = [];
  const byRule = new Map();
  for (const [name, text] of Object.entries(padded)) {
    const totals = [];
    for (let i = 0; i < WARM_UP + TIMES; i++) {
      const input = inputFor(core, catalogs, { ...files, [name]: text }, name);
      if (input.configs.length === 0) throw new Error(`${name} is no config any more`);
      const start = processorMilliseconds();
      core.runRules(core.rules, input);
      if (i >= WARM_UP) totals.push(processorMilliseconds() - start);
    }
    rows.push(row(`all rules on 4 KB of ${name}, median of processor time`, median(totals), 'ms', 3));
    for (let i = 0; i < WARM_UP; i++)
      timeEach(core, inputFor(core, catalogs, { ...files, [name]: text }, name), byRule);
  }
  const slowest = [...byRule].map(([id, times]) => [id, median(times)]).sort((a, b) => b[1] - a[1]);
  return [...rows, ...slowest.slice(0, SLOWEST).map(([id, time]) => row(`  ${id}`, time * 1000, 'µs'))];
}

/** Of this process: what others do on the machine does not count. */
function processorMilliseconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The estimate is a part of its own: it is made for the lens anyway, and the first rule that asks would seem slow. */
function timeEach({ rules: all, runRules }, input, byRule) {
  const time = (id, work) => {
    const start = performance.now();
    work();
    const times = byRule.get(id) ?? [];
    times.push(performance.now() - start);
    byRule.set(id, times);
  };
  time('(the estimate)', () => {
    const { assumptions, links } = input.estimate();
    return [assumptions, links];
  });
  for (const rule of all) {
    if (input.configs.some(({ dialect }) => rule.applies.includes(dialect)))
      time(rule.id, () => runRules([rule], input));
  }
}

function inputFor({ joinRun, estimateRun, recognise, memoryWorkspace, ROOT }, catalogs, files, name) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  const joined = joinRun(file, recognise(file), { workspace, catalogs, overrides: { from: 'flag' } });
  let estimate;
  return {
    ...joined,
    workspace,
    catalogs,
    estimate: () => {
      estimate ??= estimateRun(joined.wholeRun());
      return estimate;
    },
  };
}

function bundled() {
  const core = ['core/rules/engine', 'core/rules/index', 'core/run/join', 'core/estimate/index', 'core/dialects/index'];
  return loadSource([...[...core, 'data/index'].map((it) => `server/src/${it}`), 'test/memory-workspace'], {
    minify: true,
  });
}

/** The example with more of what DeepSpeed leaves to others. */
function paddedJson(text) {
  const end = text.lastIndexOf('}');
  const more = [];
  for (let i = 0; text.length + more.join('').length < BYTES; i++)
    more.push(`,\n    "note_${i}": "free text number ${i}"`);
  return `${text.slice(0, end).trimEnd()},\n  "monitor_config": {\n    "enabled": false${more.join('')}\n  }\n}\n`;
}

/** The example with more arguments of the Trainer, each at its default. */
function paddedYaml(text, { schema }) {
  let more = '';
  for (const [key, { default: value, deprecated }] of Object.entries(schema.properties)) {
    if (text.length + more.length >= BYTES) break;
    if (deprecated || !['number', 'boolean'].includes(typeof value) || text.includes(`${key}:`)) continue;
    more += `# ${key} as it is without being written.\n${key}: ${value}\n`;
  }
  return text + more;
}
