import { readFileSync } from 'node:fs';
import path from 'node:path';
import esbuild from 'esbuild';
import { packedLiteral } from './packed-text.mjs';

/**
 * Libraries, and a part of ours as large as one, that few runs need, and the modules that take something from them; each of those is run
 * late or on request. A part of ours is named by its path, and brings along what it shares with the rest.
 */
const LIBRARIES = [
  {
    name: 'hardware-import',
    packages: ['./server/src/core/hardware/import'],
    users: ['server/src/cli/hardware-import.ts', 'server/src/lsp/requests/import-hardware.ts'],
  },
  {
    name: 'logs',
    packages: ['./server/src/core/calibrate/read'],
    users: ['server/src/lsp/requests/calibrate.ts'],
  },
  {
    name: 'yaml',
    packages: ['yaml'],
    users: ['server/src/core/syntax/yaml-build.ts', 'server/src/core/syntax/yaml-compose.ts'],
  },
  {
    name: 'uri',
    packages: ['vscode-uri'],
    users: ['server/src/lsp/uri-escapes.ts'],
  },
  {
    name: 'language-server',
    packages: ['vscode-languageserver', 'vscode-languageserver-protocol/node'],
    users: ['server/src/lsp/stdio.ts'],
  },
];

const PACKED = 'packed-library';
const OURS = './server/src/';

/**
 * Packs libraries to a quarter of their size, as the catalogs are: a check of plain files runs neither, and Node would still
 * read their code at each start. `options` are esbuild's for the whole bundle, `plugins` those that make these libraries leaner.
 */
export function packLibraries(root, options, plugins) {
  return {
    name: 'pack-libraries',
    setup(build) {
      for (const library of LIBRARIES) {
        const wanted = new RegExp(`^(?:${library.packages.map(written).join('|')})$`);
        build.onResolve({ filter: wanted }, () => ({ path: library.name, namespace: PACKED, pluginData: library }));
      }
      build.onLoad({ filter: /./, namespace: PACKED }, async ({ pluginData: library }) => {
        const taken = library.packages.map((name) => [name, namesTaken(root, library, name)]);
        const names = taken.flatMap(([, list]) => list);
        const code = await bundled(root, taken, options, plugins);
        return {
          contents: `import { Script } from 'node:vm';
import { unpackText } from './data/packed-text';
const module = { exports: {} };
new Script(unpackText(${packedLiteral(code)}), { filename: 'shardlens:${library.name}' }).runInThisContext()(module, require);
export const { ${names.join(', ')} } = module.exports;
`,
          resolveDir: path.join(root, 'server', 'src'),
          loader: 'js',
        };
      });
    },
  };
}

/** How an import names a package: a part of ours from wherever it is imported. */
function written(name) {
  return name.startsWith(OURS) ? `(?:\\.\\./)+${name.slice(OURS.length)}` : name;
}

/** What the users of a library import from one of its packages, types aside. */
function namesTaken(root, { users }, name) {
  const texts = users.map((file) => readFileSync(path.join(root, file), 'utf8'));
  const lists = texts.flatMap((text) => [...text.matchAll(/^import \{([^}]*)\} from '([^']*)';$/gm)]);
  const names = lists
    .filter(([, , from]) => new RegExp(`^${written(name)}$`).test(from))
    .flatMap(([, list]) => list.split(','))
    .map((item) => item.trim().replace(/ as .*/, ''))
    .filter((item) => item !== '' && !item.startsWith('type '));
  return [...new Set(names)];
}

async function bundled(root, taken, options, plugins) {
  const built = await esbuild.build({
    ...options,
    stdin: {
      contents: taken.map(([name, list]) => `export { ${list.join(', ')} } from '${name}';`).join('\n'),
      resolveDir: root,
    },
    plugins,
    write: false,
  });
  return `(function(module,require){var exports=module.exports;${built.outputFiles[0].text}\n})`;
}
