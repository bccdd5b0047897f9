import { type Document, parseAllDocuments, type YAMLParseError } from 'yaml';
import { MAX_PROBLEMS } from './limits';
import type { Tree } from './node';
import { SyntaxProblems } from './syntax-problems';
import { buildYaml } from './yaml-build';
import { maskTemplates } from './yaml-guard';
import type { HalfTyped } from './yaml-half-typed';
import { addTabProblems } from './yaml-tabs';
import { leaveOutHalfTyped } from './yaml-unfinished';

/**
 * Reads a YAML text with the YAML package, whatever it holds. A template may be no YAML until it is filled in; then its expressions
 * are masked and it is read again.
 */
export function composeYaml(text: string): Tree {
  const tree = composeAs(text, { parsed: text, isMasked: false, left: [] });
  if (faultsOf(tree) === 0) return tree;
  const masked = maskTemplates(text);
  const isMasked = masked !== text;
  const filled = isMasked ? composeAs(text, { parsed: masked, isMasked, left: [] }) : tree;
  if (faultsOf(filled) === 0) return filled;
  const finished = leaveOutHalfTyped(masked, text);
  if (finished.left.length === 0) return filled;
  const around = composeAs(text, { parsed: finished.text, isMasked, left: finished.left });
  // Each piece left out is one fault; where that leaves more of them than before, the lines were read wrongly.
  return faultsOf(around) <= Math.max(faultsOf(filled), finished.left.length) ? around : filled;
}

function faultsOf(tree: Tree): number {
  return tree.problems.reduce((count, { kind }) => count + (kind === 'broken' ? 1 : 0), 0);
}

/** What is given to the parser in the place of a text, and of the same length. */
interface Given {
  readonly parsed: string;
  /** Templates were replaced by letters. */
  readonly isMasked: boolean;
  readonly left: readonly HalfTyped[];
}

function composeAs(text: string, { parsed, isMasked, left }: Given): Tree {
  // The parser skips a byte order mark but keeps counting it, so offsets stay.
  const [document, second] = documentsOf(parsed);
  const problems = new SyntaxProblems();
  for (const { start, end, message } of left) problems.add('broken', start, end, message);
  if (document === undefined) return { format: 'yaml', root: undefined, problems: problems.list };
  for (const error of document.errors.slice(0, MAX_PROBLEMS)) addError(problems, error, text);
  const root = buildYaml(document, text, problems, { isMasked, left });
  if (second !== undefined) {
    const start = text.lastIndexOf('---', second.range[0]);
    const at = start < 0 ? second.range[0] : start;
    problems.add('broken', at, Math.min(at + 3, text.length), SECOND_DOCUMENT);
  }
  addTabProblems(problems, text, root, left);
  return { format: 'yaml', root, problems: problems.list };
}

/** PyYAML composer.py:32 get_single_node. */
const SECOND_DOCUMENT = "A second document begins here; Python's safe_load takes a file with one only.";

/**
 * `failsafe` leaves every scalar as text: what it means is decided by our PyYAML resolver. Duplicates and merge keys are
 * ours too.
 */
function documentsOf(text: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  return Array.isArray(documents) ? documents : [];
}

function addError(problems: SyntaxProblems, error: YAMLParseError, text: string): void {
  const start = Math.min(error.pos[0], text.length);
  const end = Math.min(Math.max(error.pos[1], start), text.length);
  const message = wording(error);
  if (error.code === 'RESOURCE_EXHAUSTION') problems.add('limit', start, end, message);
  else if (STAYS_AT_ITS_VALUE.has(error.code)) problems.add('broken', start, end, message);
  else problems.addSpreading(start, end, message);
}

/** Faults in one value, behind which the parser goes on as if nothing had been. */
const STAYS_AT_ITS_VALUE: ReadonlySet<string> = new Set(['BAD_SCALAR_START', 'BAD_DQ_ESCAPE', 'BAD_ALIAS']);

function wording(error: YAMLParseError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'YAML cannot be indented with tabs.';
    case 'BAD_INDENT':
      return 'This line is not indented like the lines it belongs to.';
    case 'BAD_SCALAR_START':
      return 'A value cannot begin with this character unless it is in quotes.';
    case 'BAD_DQ_ESCAPE':
      return 'A backslash in this text is followed by a letter that YAML does not know; use single quotes or \\\\.';
    case 'MISSING_CHAR':
      return 'A colon, a comma, a quote or a closing bracket is missing here.';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'A second colon stands on this line; put the value in quotes or on a line of its own.';
    case 'MULTILINE_IMPLICIT_KEY':
      return 'This line has no colon, so it is read as part of a key that spans lines.';
    case 'KEY_OVER_1024_CHARS':
      return 'This key is longer than 1,024 characters.';
    case 'BLOCK_IN_FLOW':
      return 'Indented lists and mappings cannot stand inside brackets.';
    case 'BAD_ALIAS':
      return 'This alias has no name.';
    case 'MULTIPLE_ANCHORS':
    case 'MULTIPLE_TAGS':
    case 'ALIAS_PROPS':
    case 'BAD_PROP_ORDER':
      return 'Anchors, tags and aliases cannot be combined like this.';
    case 'BAD_DIRECTIVE':
      return 'This line begins with %, which YAML keeps for directives.';
    case 'RESOURCE_EXHAUSTION':
      return 'The nesting is too deep to be read.';
    default:
      return 'This cannot stand here in YAML.';
  }
}
