import type { Analysis } from '../analysis';
import type { FileEdit, Finding, Fix } from '../findings';
import { fixUntilDone, type RewriteInput } from './fixpoint';

/** Every preferred fix of the file, and those that they make possible, until none is left. */
export function fixAll(analysis: Analysis, input: RewriteInput): readonly FileEdit[] {
  return fixUntilDone(analysis, preferredOf, input);
}

/** Every key with a successor gets its new name, wherever the value goes; what is only to be removed stays. */
export function replaceDeprecated(analysis: Analysis, input: RewriteInput): readonly FileEdit[] {
  const isDeprecated = analysis.findings().some((finding) => successorOf(finding));
  return isDeprecated ? fixUntilDone(analysis, successorOf, input) : [];
}

function preferredOf({ fixes }: Finding): Fix | undefined {
  return fixes.find(({ preferred }) => preferred);
}

function successorOf({ tag, fixes }: Finding): Fix | undefined {
  if (tag !== 'deprecated') return undefined;
  return fixes.find(({ preferred }) => preferred) ?? fixes.find(({ title }) => /^(?:Rename|Move|Write) /.test(title));
}
