import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadSource } from './load-source.mjs';
import { packedLiteral } from './packed-text.mjs';

/** What only a rule's page shows, in the order in which rule files state it. */
const PAGE_FIELDS = ['why', 'source', 'verified', 'examples'];

const RULE_FILE = /[\\/]core[\\/]rules[\\/][a-z0-9-]+\.ts$/;
const PAGES = 'rule-pages';

/**
 * Takes out of the bundle's rules what only their pages show (a seventh of its text) and packs it: a check never
 * unpacks it. A rule inherits its page, so `rule.why` reads as in the source, where a rule stays in one place.
 */
export function packRulePages(root) {
  return {
    name: 'pack-rule-pages',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${PAGES}$`) }, () => ({ path: PAGES, namespace: PAGES }));
      build.onLoad({ filter: /.*/, namespace: PAGES }, async () => ({
        contents: pagesModule(await pagesOf()),
        resolveDir: path.join(root, 'server', 'src'),
        loader: 'ts',
      }));
      build.onLoad({ filter: RULE_FILE }, ({ path: file }) => {
        const text = readFileSync(file, 'utf8');
        return /^export const \w+ = rule\(\{$/m.test(text)
          ? { contents: withoutPage(text, file), loader: 'ts' }
          : undefined;
      });
    },
  };
}

/** A field ends where the next one of the rule begins; the formatter sees to the indentation. */
function withoutPage(text, file) {
  const start = text.search(/^ {2}why:/m);
  const end = text.search(/^ {2}check\(/m);
  const fields = [...text.slice(start, end).matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  if (start < 0 || end < start || fields.join() !== PAGE_FIELDS.join())
    throw new Error(`${file}: a rule states id, severity, applies, ${PAGE_FIELDS.join(', ')} and check in this order`);
  return `import { page } from '${PAGES}';\n${text.slice(0, start)}  __proto__: page,\n${text.slice(end)}`;
}

/**
 * The pages, from the rules as they stand in the source; the build that asks has generated what they need. By field, and rules of the
 * same dialects together: what is alike stands side by side, and packs a twentieth smaller.
 */
async function pagesOf() {
  const { rules } = await loadSource(['server/src/core/rules/index'], { generate: false });
  const place = ({ applies, id }) => `${applies.join()} ${id}`;
  const sorted = [...rules].sort((a, b) => (place(a) < place(b) ? -1 : 1));
  return [sorted.map(({ id }) => id), ...PAGE_FIELDS.map((field) => sorted.map((rule) => rule[field]))];
}

function pagesModule(pages) {
  const getters = PAGE_FIELDS.map((field, index) => `get ${field}() { return fieldOf(this.id, ${index + 1}); },`);
  return `import { unpackText } from './data/packed-text';
const PACKED = ${packedLiteral(JSON.stringify(pages))};
let pages;
const fieldOf = (id, field) => (pages ??= JSON.parse(unpackText(PACKED)))[field][pages[0].indexOf(id)];
export const page = { ${getters.join(' ')} };
`;
}
