import type { Severity } from '../../core/findings';
import type { Output } from '../report';

const COMMANDS: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  information: 'notice',
  hint: 'notice',
};

/** GitHub Actions workflow commands: each finding becomes an annotation. Lines and columns count from 1. */
export function github({ files }: Output): string {
  let text = '';
  for (const { path, findings } of files) {
    for (const { rule, severity, message, range } of findings) {
      const properties = [
        `file=${property(path)}`,
        `line=${range.start.line + 1}`,
        `endLine=${range.end.line + 1}`,
        `col=${range.start.character + 1}`,
        `endColumn=${range.end.character + 1}`,
        `title=${property(`shardlens ${rule}`)}`,
      ];
      text += `::${COMMANDS[severity]} ${properties.join(',')}::${data(message)}\n`;
    }
  }
  return text;
}

/** Escapes of the runner: github.com/actions/toolkit packages/core/src/command.ts escapeData and escapeProperty. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
