import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TYPES = /[\\/]vscode-languageserver-types[\\/]lib[\\/]esm[\\/]main\.js$/;

/** A namespace as TypeScript writes it: `export var X;` and a function that fills it. */
const NAMESPACE =
  /^(?:export )?var (\w+);\n(?:\/\*\*[\s\S]*?\*\/\n)?\(function \(\1\) \{\n[\s\S]*?^\}\)\(\1 \|\| \(\1 = \{\}\)\);$/gm;

/**
 * The protocol's types come with a guard for each, 27 KB of code. The library hands all of them on, which keeps every one in the
 * bundle; it calls five, and we none. The others are left out.
 */
export function leanProtocolTypes(root) {
  return {
    name: 'lean-protocol-types',
    setup(build) {
      build.onLoad({ filter: TYPES }, ({ path: file }) => {
        const blocks = new Map([...readFileSync(file, 'utf8').matchAll(NAMESPACE)].map((it) => [it[1], it[0]]));
        const kept = new Set();
        const keep = (name) => {
          if (kept.has(name)) return;
          kept.add(name);
          for (const [word] of blocks.get(name).matchAll(/\b[A-Z]\w*(?=\.)/g)) if (blocks.has(word)) keep(word);
        };
        for (const name of namesUsed(root)) if (blocks.has(name)) keep(name);
        if (!kept.has('DocumentUri'))
          throw new Error('scripts/protocol-types.mjs: the libraries are written in a new way');
        return {
          contents: [...blocks].flatMap(([name, block]) => (kept.has(name) ? [block] : [])).join('\n'),
          loader: 'js',
        };
      });
    },
  };
}

/** What the code of the libraries takes from the types, by their own name or handed on by the protocol's. */
function namesUsed(root) {
  const names = new Set();
  for (const library of ['vscode-languageserver', 'vscode-languageserver-protocol']) {
    const folder = path.join(root, 'node_modules', library, 'lib');
    for (const name of readdirSync(folder, { recursive: true })) {
      if (!name.endsWith('.js')) continue;
      const code = readFileSync(path.join(folder, name), 'utf8');
      for (const [, used] of code.matchAll(/vscode_languageserver_(?:types|protocol)_\d+\.(\w+)/g)) names.add(used);
    }
  }
  return names;
}
