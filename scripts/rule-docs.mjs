// Writes docs/rules: a page for each rule and an index, made from the rules themselves by running their examples.
// With --check it writes nothing and fails when a page is out of date.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateAll } from './generate.mjs';
import { loadSource } from './load-source.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, 'docs', 'rules');
const ledgers = path.join(root, 'test', 'oracle', 'ledger');

/** Texts of docs/rules by file name. */
export async function ruleDocs() {
  const { rules, rulePage, verifiedWords, dialects, loadCatalogs } = await core();
  const catalogs = loadCatalogs();
  const pages = rules.map((rule) => [`${rule.id}.md`, rulePage(rule, catalogs)]);
  return new Map([['README.md', index(rules, dialects, verifiedWords)], ...pages]);
}

/** The core as it stands in the source. */
function core() {
  return loadSource(
    ['core/rules/index', 'core/features/rule-page', 'core/dialects/index', 'data/index'].map(
      (it) => `server/src/${it}`,
    ),
    { generate: false },
  );
}

/** A rule that looks at several kinds of file stands under the first, with the others named. */
function index(rules, dialects, verifiedWords) {
  const parts = [
    '# Rules',
    `Shardlens has ${rules.length} rules. Each page says what is reported and why, where the framework says so, and what a fix makes of the example; \`shardlens explain RULE\` prints the same page.`,
    'An error stops the run or hangs it. A warning runs, but not as written. Information names what can be measurably better. A hint tidies.',
  ];
  parts.push(
    '## Silence',
    [
      "- In YAML: `# shardlens-ignore: rule-id the reason`, at the end of the setting's line or above it; several ids with commas between them. It covers the setting with all that it holds.",
      '- Above the first setting: `# shardlens-ignore-file: rule-id the reason`, for the whole file.',
      '- In `shardlens.json`: `"rules": { "rule-id": "off" }`, for all files or under `files` for some. Most readers of a JSON config refuse comments, so there it is the only way.',
      '- The editor offers all three beside each finding. A comment that ignores nothing any more is a hint ([unused-ignore](unused-ignore.md)); what Shardlens could not check cannot be silenced.',
    ].join('\n'),
  );
  const everywhere = rules.filter(({ applies }) => applies.length === 7);
  for (const { id, title } of dialects) {
    const own = rules.filter(({ applies }) => applies[0] === id && applies.length < 7);
    if (own.length === 0) continue;
    parts.push(`## ${title}`, table(own, dialects, verifiedWords));
  }
  parts.push('## Every kind of file', table(everywhere, dialects, verifiedWords));
  const open = notDone();
  if (open.length > 0) {
    parts.push(
      '## Known failures without a rule',
      'Failures of the frameworks that are known and not reported, with the reason.',
      ...open.map(([name, rows]) => `### ${name}\n\n${rows.join('\n')}`),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function table(rules, dialects, verifiedWords) {
  const titles = new Map(dialects.map(({ id, title }) => [id, title]));
  const rows = rules.map((rule) => {
    const also = rule.applies.length === 7 ? [] : rule.applies.slice(1).map((id) => titles.get(id));
    const where = also.length > 0 ? ` (also: ${also.join(', ')})` : '';
    return `| [${rule.id}](${rule.id}.md) | ${rule.severity} | ${cell(firstSentence(rule.why))}${where} | ${verifiedWords(rule)} |`;
  });
  return ['| rule | severity | why it matters | how it is known |', '|---|---|---|---|', ...rows].join('\n');
}

function firstSentence(text) {
  const end = /[.!?](?=\s+[A-Z])/.exec(text);
  return end ? text.slice(0, end.index + 1) : text;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** What the ledgers of known failures list as not done, by ledger. */
function notDone() {
  return ledgerFiles().flatMap((file) => {
    const ledger = JSON.parse(readFileSync(path.join(ledgers, file), 'utf8'));
    const rows = Object.entries(ledger)
      .filter(([, row]) => row.notDone !== undefined)
      .map(([id, row]) => `- ${id}: ${sentence(row.what)} Not done: ${sentence(row.notDone)}`);
    return rows.length > 0 ? [[path.basename(file, '.json'), rows]] : [];
  });
}

function sentence(text) {
  return `${text.replace(/[.\s]+$/, '')}.`;
}

function ledgerFiles() {
  try {
    return readdirSync(ledgers)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await generateAll();
  const docs = await ruleDocs();
  mkdirSync(folder, { recursive: true });
  const stale = [...docs].filter(([name, text]) => textOf(path.join(folder, name)) !== text).map(([name]) => name);
  const orphans = readdirSync(folder).filter((name) => !docs.has(name));
  if (process.argv.includes('--check')) {
    if (stale.length + orphans.length > 0) {
      console.error(`docs/rules is out of date (${[...stale, ...orphans].join(', ')}): node scripts/rule-docs.mjs`);
      process.exitCode = 1;
    }
  } else {
    for (const name of stale) writeFileSync(path.join(folder, name), docs.get(name));
    for (const name of orphans) rmSync(path.join(folder, name));
    console.log(`docs/rules: ${docs.size} files, ${stale.length} written, ${orphans.length} removed.`);
  }
}
