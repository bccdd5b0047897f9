import type { Analysis } from '../../server/src/core/analysis';
import type { AnalysisInput } from '../../server/src/core/analyze';
import type { Catalogs } from '../../server/src/core/catalogs';
import type { Finding } from '../../server/src/core/findings';
import type { SourceFile } from '../../server/src/core/source';
import type { Core } from '../../server/src/lsp/session';

/** Catalogs that no test of the server may touch. */
const NO_CATALOGS = new Proxy({} as Catalogs, {
  get(_, name) {
    throw new Error(`the catalogs were asked for ${String(name)}`);
  },
});

/** A core whose findings are made by the test, to see what the server does with them. */
export function fakeCore(findingsOf: (file: SourceFile, input: AnalysisInput) => readonly Finding[]): Core & {
  readonly analysed: string[];
} {
  const analysed: string[] = [];
  return {
    analysed,
    catalogs: NO_CATALOGS,
    analyze(file, input): Analysis {
      analysed.push(file.text);
      const findings = findingsOf(file, input);
      return {
        file,
        recognition: { dialect: 'deepspeed', confidence: 1, reason: 'the test says so' },
        configs: [],
        references: [],
        run: undefined,
        notes: [],
        estimate: () => undefined,
        findings: () => findings,
        ignored: () => [],
        dependencies: new Set([file.path]),
      };
    },
  };
}

/** A finding for each place where `word` stands in the file. */
export function findingsFor(word: string, file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (let at = file.text.indexOf(word); at >= 0; at = file.text.indexOf(word, at + 1)) {
    findings.push({
      rule: `no-${word}`,
      severity: 'warning',
      message: `There is a ${word} here.`,
      path: file.path,
      start: at,
      end: at + word.length,
      related: [],
      fixes: [
        {
          title: `Remove ${word}`,
          preferred: true,
          edits: [{ path: file.path, start: at, end: at + word.length, newText: '' }],
        },
      ],
    });
  }
  return findings;
}
