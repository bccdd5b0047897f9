import { readFileSync } from 'node:fs';
import esbuild from 'esbuild';
import { packedLiteral } from './packed-text.mjs';

const TABLE = /[\\/]core[\\/]models[\\/]defaults\.ts$/;

/**
 * Packs the defaults of the config classes, which only the reading of a config.json asks for, to a fifth of their size. The
 * core keeps them as a plain table, since it unpacks nothing.
 */
export const packModelDefaults = {
  name: 'pack-model-defaults',
  setup(build) {
    build.onLoad({ filter: TABLE }, ({ path: file }) => {
      const { CONFIG_DEFAULTS, DEFAULTS_SOURCE } = evaluated(readFileSync(file, 'utf8'));
      return { contents: packedModule(CONFIG_DEFAULTS, DEFAULTS_SOURCE), loader: 'ts' };
    });
  },
};

/** What a module exports that needs none of its imports while it loads. */
function evaluated(source) {
  const { code } = esbuild.transformSync(source, { loader: 'ts', format: 'cjs' });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', code)(module, module.exports, () => ({}));
  return module.exports;
}

/** A line for each class: of a hundred, a run asks for one. */
function packedModule(table, source) {
  const lines = Object.entries(table).map(([modelType, defaults]) => `${modelType}\t${JSON.stringify(defaults)}\n`);
  return `import { unpackText } from '../../data/packed-text';
const PACKED = ${packedLiteral(`\n${lines.join('')}`)};
const found = new Map();
let text;
export const DEFAULTS_SOURCE = ${JSON.stringify(source)};
export const configDefaults = (modelType) => {
  const known = found.get(modelType);
  if (known || /\\s/.test(modelType)) return known;
  text ??= unpackText(PACKED);
  const start = text.indexOf('\\n' + modelType + '\\t');
  if (start < 0) return undefined;
  const defaults = JSON.parse(text.slice(start + modelType.length + 2, text.indexOf('\\n', start + 1)));
  found.set(modelType, defaults);
  return defaults;
};
`;
}
