import type { Range } from 'vscode-languageserver-protocol';
import type { Severity } from '../../core/findings';
import { rules } from '../../core/rules/index';
import { version } from '../../version';
import type { Output, OutputFinding, OutputFix } from '../report';

const LEVELS: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  information: 'note',
  hint: 'note',
};

/** SARIF 2.1.0, as code-scanning services read it. Lines and columns count from 1, in UTF-16 units. */
export function sarif({ files }: Output): string {
  const ids = [...new Set(files.flatMap(({ findings }) => findings.map(({ rule }) => rule)))].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Shardlens', semanticVersion: version, rules: ids.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        artifacts: files.map(({ path }) => ({ location: { uri: artifact(path) } })),
        results: files.flatMap(({ path, findings }) => findings.map((finding) => resultOf(path, finding, ids))),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf(id: string): object {
  const rule = rules.find((candidate) => candidate.id === id);
  if (!rule) return { id };
  return {
    id,
    shortDescription: { text: rule.why },
    help: { text: `${rule.why} Source: ${rule.source.join(', ') || 'none'}.` },
    defaultConfiguration: { level: LEVELS[rule.severity] },
  };
}

function resultOf(path: string, finding: OutputFinding, ids: readonly string[]): object {
  const { related, fixes } = finding;
  return {
    ruleId: finding.rule,
    ruleIndex: ids.indexOf(finding.rule),
    level: LEVELS[finding.severity],
    message: { text: finding.message },
    locations: [location(path, finding.range)],
    ...(related.length > 0
      ? {
          relatedLocations: related.map((place, index) => ({
            id: index,
            ...location(place.path, place.range),
            message: { text: place.message },
          })),
        }
      : {}),
    ...(fixes.length > 0 ? { fixes: fixes.map(fixOf) } : {}),
  };
}

function fixOf({ title, edits }: OutputFix): object {
  const paths = [...new Set(edits.map(({ path }) => path))];
  return {
    description: { text: title },
    artifactChanges: paths.map((path) => ({
      artifactLocation: { uri: artifact(path) },
      replacements: edits
        .filter((edit) => edit.path === path)
        .map((edit) => ({ deletedRegion: region(edit.range), insertedContent: { text: edit.newText } })),
    })),
  };
}

function location(path: string, range: Range): object {
  return { physicalLocation: { artifactLocation: { uri: artifact(path) }, region: region(range) } };
}

function region({ start, end }: Range): object {
  return {
    startLine: start.line + 1,
    startColumn: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
  };
}

/** A relative URI reference for paths below the current folder, a file URI for others. */
function artifact(path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
