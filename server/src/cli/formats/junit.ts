import type { Output, OutputFile, OutputFinding } from '../report';

/** JUnit XML: a suite for each file; errors and warnings are failures, a file without any is one passed case. */
export function junit({ files }: Output): string {
  const suites = files.map(suite);
  const tests = suites.reduce((sum, it) => sum + it.tests, 0);
  const failures = suites.reduce((sum, it) => sum + it.failures, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="shardlens" tests="${tests}" failures="${failures}">`,
    ...suites.map(({ xml }) => xml),
    '</testsuites>',
    '',
  ].join('\n');
}

function suite(file: OutputFile): { xml: string; tests: number; failures: number } {
  const failing = file.findings.filter(({ severity }) => severity === 'error' || severity === 'warning');
  const cases = failing.map((finding) => failedCase(file, finding));
  if (cases.length === 0) cases.push(`    <testcase classname="${escaped(file.path)}" name="shardlens"/>`);
  const head = `  <testsuite name="${escaped(file.path)}" tests="${cases.length}" failures="${failing.length}">`;
  return { xml: [head, ...cases, '  </testsuite>'].join('\n'), tests: cases.length, failures: failing.length };
}

function failedCase({ path }: OutputFile, { rule, severity, message, range }: OutputFinding): string {
  const place = `${path}:${range.start.line + 1}:${range.start.character + 1}`;
  return [
    `    <testcase classname="${escaped(path)}" name="${escaped(`${rule} (${range.start.line + 1}:${range.start.character + 1})`)}">`,
    `      <failure type="${severity}" message="${escaped(message)}">${escaped(`${place} ${message}`)}</failure>`,
    '    </testcase>',
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Characters that XML 1.0 has no way to write (controls, lone surrogates) are replaced. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
    .replace(/[\r\n\t]/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd');
}
