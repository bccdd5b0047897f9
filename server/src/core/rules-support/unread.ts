import type { Finding } from '../findings';
import type { DialectId, SourceFile } from '../source';
import type { SyntaxProblem } from '../syntax/node';

/**
 * The findings of a file that is one of ours and holds no mapping of keys, so that there is no config for the rules to look at:
 * what stopped the reading, or what stands there instead. Never empty, since silence would mean checked and clean.
 */
export function unreadFindings(file: SourceFile, dialect: DialectId): Finding[] {
  const findings = file.tree.problems.flatMap((problem) => {
    const rule = RULES[problem.kind];
    return rule === undefined ? [] : [findingAt(file, problem, rule, problem.message)];
  });
  if (findings.length > 0) return findings;
  const { root } = file.tree;
  const what =
    root === undefined ? 'is empty' : `holds no keys, only a ${root.kind === 'sequence' ? 'list' : 'single value'}`;
  const place = { start: root?.start ?? 0, end: Math.min(root?.end ?? 0, (root?.start ?? 0) + 1) };
  return [findingAt(file, place, 'broken-syntax', `This file ${what}; ${fateOf(dialect)}.`)];
}

const RULES: Readonly<Partial<Record<SyntaxProblem['kind'], string>>> = {
  broken: 'broken-syntax',
  limit: 'not-fully-read',
};

/** DeepSpeed asks the mapping it read for keys (deepspeed/runtime/config.py:699 0.19.6), Accelerate too (config_args.py:78 1.15.0). */
function fateOf(dialect: DialectId): string {
  switch (dialect) {
    case 'deepspeed':
      return 'DeepSpeed stops at start-up';
    case 'accelerate':
      return 'Accelerate stops at start-up';
    case 'shardlens':
      return 'none of its settings is used';
    default:
      return 'what reads it stops at start-up';
  }
}

function findingAt(
  file: SourceFile,
  { start, end }: { start: number; end: number },
  rule: string,
  message: string,
): Finding {
  const severity = rule === 'broken-syntax' ? 'error' : 'warning';
  return { rule, severity, message, path: file.path, start, end, related: [], fixes: [] };
}
