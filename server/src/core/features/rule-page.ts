import type { Catalogs } from '../catalogs';
import { dialect } from '../dialects/index';
import type { Rule } from '../rules/rule';
import { isNeverSilent } from '../silence/never-silent';
import { allDialects } from '../source';
import { type ExampleFiles, exampleFiles, findingsIn, fixedFiles } from './rule-example';

/**
 * A rule's page as Markdown, made from the rule itself: its examples are run, so that the page cannot say anything else than what is
 * checked. The same in `shardlens explain`, in the editor and in docs/rules.
 */
export function rulePage(rule: Rule, catalogs: Catalogs): string {
  const parts = [
    `# ${rule.id}`,
    `**${rule.severity}** in ${dialectWords(rule)}, ${verifiedWords(rule)}.`,
    rule.why,
    ...badExamples(rule, catalogs),
    ...goodExamples(rule),
    isOwn(rule) ? '## Where Shardlens says so' : '## Where the framework says so',
    rule.source.map((source) => `- \`${source}\``).join('\n'),
    '## How to silence it',
    silenceWords(rule),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** How it is known that the frameworks behave like this, as the end of a sentence. */
export function verifiedWords(rule: Rule): string {
  return isOwn(rule) ? 'a matter of Shardlens itself' : VERIFIED[rule.verified];
}

/** Rules about our own files, comments and limits rest on no framework. */
function isOwn({ source }: Rule): boolean {
  return source.every((line) => line.startsWith('Shardlens '));
}

const VERIFIED = {
  run: 'seen by running the framework',
  'upstream-test': "seen in the framework's own tests",
  read: "read in the framework's code",
} as const;

/** The kinds of file a rule looks at, in words. */
export function dialectWords({ applies }: Rule): string {
  if (applies.length === allDialects.length) return 'every kind of file';
  return applies.map((id) => dialect(id).title).join(', ');
}

function badExamples(rule: Rule, catalogs: Catalogs): string[] {
  return rule.examples.bad.flatMap((example, index) => {
    const files = exampleFiles(rule, example);
    const [finding] = findingsIn(rule, files, catalogs);
    const fix = finding?.fixes.find(({ preferred }) => preferred) ?? finding?.fixes[0];
    const after = fix ? fixedFiles(files, fix) : {};
    return [
      index === 0 ? '## Reported' : '## Reported too',
      ...shown(files),
      ...(finding ? [`> ${finding.severity}: ${finding.message}`] : []),
      ...(fix && Object.keys(after).length > 0 ? [`After “${fix.title}”:`, ...shown(after)] : []),
    ];
  });
}

function goodExamples(rule: Rule): string[] {
  return rule.examples.good.flatMap((example, index) => [
    index === 0 ? '## Not reported' : '## Not reported either',
    ...shown(exampleFiles(rule, example)),
  ]);
}

function shown(files: ExampleFiles): string[] {
  return Object.entries(files).flatMap(([name, text]) => [`\`${name}\`:`, fenced(name, text)]);
}

/** Examples made to be too large are not shown whole. */
const MAX_LINE = 240;
const MAX_LINES = 40;

function fenced(name: string, text: string): string {
  const language = /\.(ya?ml)$/.test(name) ? 'yaml' : /\.json$/.test(name) ? 'json' : /\.sh$/.test(name) ? 'sh' : '';
  const lines = text.trimEnd().split('\n');
  const cut = lines.slice(0, MAX_LINES).map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line));
  if (lines.length > MAX_LINES) cut.push('…');
  return `\`\`\`${language}\n${cut.join('\n')}\n\`\`\``;
}

function silenceWords({ id }: Rule): string {
  if (isNeverSilent(id))
    return 'Not at all: it says what Shardlens could not check, and silence would look like a clean file.';
  const parts = [
    'In `shardlens.json`, for all files or for some:',
    `\`\`\`json\n{\n  "rules": { "${id}": "off" },\n  "files": { "configs/old/**": { "rules": { "${id}": "off" } } }\n}\n\`\`\``,
  ];
  if (id === 'unused-ignore') return parts.join('\n\n');
  return [
    "In YAML, in a comment at the end of the setting's line or on the line above it:",
    `\`\`\`yaml\n# shardlens-ignore: ${id} the reason\n\`\`\``,
    'Above the first setting, `# shardlens-ignore-file:` does it for the whole file. Most readers of a JSON config refuse comments, so there only `shardlens.json` silences.',
    ...parts,
  ].join('\n\n');
}
