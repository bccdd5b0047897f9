// Makes points.json of a collection of published measurements (one JSON array; its fields are described in README.md):
// `node test/bench/accuracy/import.mjs COLLECTION.json`. What a config of ours cannot express is kept by id, with the reason.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCES } from './sources.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const collected = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const tables = { urls: {}, models: {}, hardware: {} };
const points = [];
const left = new Map();
for (const point of collected) {
  const source = SOURCES.find(({ prefix }) => point.id.startsWith(prefix));
  if (!source) throw new Error(`no source takes ${point.id}`);
  const result = source.read(point);
  if (typeof result === 'string') {
    const key = `${source.name}\n${result}`;
    left.set(key, [...(left.get(key) ?? []), point.id]);
  } else points.push(shortened(point, source, result));
}

/** Machines, models, frameworks and addresses that many points share are kept once, by name. */
function shortened(point, source, { model, hardware, ...setup }) {
  const [address, line] = url(point.source).split('#');
  return {
    id: point.id,
    source: source.name,
    url: named('urls', address, source.prefix),
    ...(line === undefined ? {} : { line: `#${line}` }),
    grade: point.completeness,
    model: typeof model === 'string' ? model : named('models', model, model.model_type),
    hardware: named('hardware', hardware, hardware.instance ?? nameOf(hardware.node.accelerator)),
    ...setup,
  };
}

/** Of the catalog, or the one that an own accelerator is like. */
function nameOf(accelerator) {
  return typeof accelerator === 'string' ? accelerator : `${accelerator.like}-own`;
}

function named(kind, value, hint) {
  const text = JSON.stringify(value);
  const found = Object.entries(tables[kind]).find(([, one]) => JSON.stringify(one) === text);
  if (found) return found[0];
  const name = `${hint.replace(/-$/, '')}/${Object.keys(tables[kind]).length + 1}`;
  tables[kind][name] = value;
  return name;
}

/** `github:owner/name@commit:path#fragment` as an address; stored single files name their repository and path. */
function url(source) {
  const github = /^github:([^@]+)@([^:]+):([^ ]+)/.exec(source);
  if (github) return `https://github.com/${github[1]}/blob/${github[2]}/${github[3]}`;
  const stored = /^(huggingface\/\S+) (\S+) @(\w+)/.exec(source);
  if (stored) return `https://github.com/${stored[1]}/blob/${stored[3]}/${stored[2]}`;
  const file = /^(huggingface\/\S+?) (?:docs\/)?(\S+)/.exec(source);
  return file ? `https://github.com/${file[1]}` : source;
}

const leftOut = [...left].map(([key, ids]) => {
  const [source, why] = key.split('\n');
  return { source, why, ids };
});
const table = ([name, values]) =>
  `  "${name}": {\n${Object.entries(values)
    .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(',\n')}\n  },\n`;
const lines = (values) => values.map((value) => `    ${JSON.stringify(value)}`).join(',\n');
writeFileSync(
  path.join(folder, 'points.json'),
  `{\n${Object.entries(tables).map(table).join('')}  "points": [\n${lines(points)}\n  ],\n  "leftOut": [\n${lines(leftOut)}\n  ]\n}\n`,
);
console.log(`${points.length} points, ${leftOut.reduce((sum, { ids }) => sum + ids.length, 0)} left out`);
