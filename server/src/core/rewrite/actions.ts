import type { Analysis } from '../analysis';
import type { FileEdit, Finding, Fix } from '../findings';
import type { Workspace } from '../source';
import { confirmedFixes } from './confirm';
import { fixUntilDone } from './fixpoint';
import type { RewriteInput } from './trial';

/** Every preferred fix of the file that keeps its promise there, and those that they make possible, until none is left. */
export function fixAll(analysis: Analysis, input: RewriteInput): readonly FileEdit[] {
  const confirmedOf = (finding: Finding, state: Analysis, workspace: Workspace): Fix | undefined =>
    confirmedFixes(state, finding, { ...input, workspace }).find(({ preferred }) => preferred);
  return fixUntilDone(analysis, confirmedOf, input);
}

/** Every key with a successor gets its new name, wherever the value goes; what is only to be removed stays. */
export function replaceDeprecated(analysis: Analysis, input: RewriteInput): readonly FileEdit[] {
  const isDeprecated = analysis.findings().some((finding) => successorOf(finding));
  return isDeprecated ? fixUntilDone(analysis, successorOf, input) : [];
}

function successorOf({ tag, fixes }: Finding): Fix | undefined {
  if (tag !== 'deprecated') return undefined;
  return fixes.find(({ preferred }) => preferred) ?? fixes.find(({ title }) => /^(?:Rename|Move|Write) /.test(title));
}
