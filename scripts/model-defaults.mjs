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

function packedModule(table, source) {
  return `import { ownValue } from '../own-value';
import { unpackText } from '../../data/packed-text';
const PACKED = ${packedLiteral(JSON.stringify(table))};
let table;
export const DEFAULTS_SOURCE = ${JSON.stringify(source)};
export const configDefaults = (modelType) => ownValue((table ??= JSON.parse(unpackText(PACKED))), modelType);
`;
}
