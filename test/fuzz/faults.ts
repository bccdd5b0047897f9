import type { Analysis } from '../../server/src/core/analysis';
import type { Catalogs } from '../../server/src/core/catalogs';
import { bill, billMarkdown } from '../../server/src/core/features/breakdown';
import { completion } from '../../server/src/core/features/completion';
import { hover } from '../../server/src/core/features/hover';
import { inlayHints } from '../../server/src/core/features/inlay-hints';
import { lenses } from '../../server/src/core/features/lens';
import { links } from '../../server/src/core/features/links';
import { reportEstimate, reportRun } from '../../server/src/core/features/report';
import { symbols } from '../../server/src/core/features/symbols';
import { fsdp2Rewrites } from '../../server/src/core/rewrite/fsdp2';
import { silenceFixes } from '../../server/src/core/silence/actions';
import type { Workspace } from '../../server/src/core/source';
import { applyEdits } from '../../server/src/core/text/edit';

/** Share of the analyses in which a completion is asked for. */
const COMPLETED = 0.25;

/** Everything that is shown of an analysis, looked at for faults of ours. Throws where the core does; gives what else is wrong. */
export function faultsOf(
  analysis: Analysis,
  { catalogs, workspace }: { readonly catalogs: Catalogs; readonly workspace: Workspace },
  random: () => number,
): string[] {
  const { text } = analysis.file;
  const faults: string[] = [];
  for (const { rule, message, start, end, fixes } of analysis.findings()) {
    const label = `${rule}: ${message}`;
    if (rule === 'analysis-incomplete') faults.push(label);
    if (/\bundefined\b|\[object /.test(message)) faults.push(`${label} (a slip of the language)`);
    if (start < 0 || end < start || end > text.length) faults.push(`${label} (stands at ${start}-${end})`);
    for (const { title, edits } of fixes) {
      const own = edits.filter(({ path }) => path === analysis.file.path);
      try {
        if (own.some((edit) => edit.start < 0 || edit.end < edit.start || edit.end > text.length)) throw new Error();
        applyEdits(text, own);
      } catch {
        faults.push(`${label} (${title} cannot be applied)`);
      }
    }
  }
  const [first] = analysis.findings();
  const shown: unknown[] = [
    inlayHints(analysis),
    lenses(analysis, catalogs),
    links(analysis),
    symbols(analysis),
    fsdp2Rewrites(analysis),
    first ? silenceFixes(analysis, first, workspace) : [],
  ];
  const offset = Math.floor(random() * (text.length + 1));
  shown.push(hover(analysis, offset, catalogs));
  // Each candidate value is tried for its effect on the run, which is the dearest thing an editor asks for.
  if (random() < COMPLETED) shown.push(completion(analysis, offset, catalogs));
  const tables = bill(analysis, catalogs);
  if (tables) shown.push(billMarkdown(tables));
  if (analysis.run) shown.push(reportRun(analysis.run), reportEstimate(analysis));
  // Texts that are shown hold no slip of the language they are written in.
  const slip = /.{0,60}(?:\[object |undefined(?! behaviou?r)).{0,60}/.exec(JSON.stringify(shown));
  if (slip && !/\[object |undefined/.test(text)) faults.push(`shown: ${slip[0]}`);
  return faults;
}
