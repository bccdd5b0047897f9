import type { InlayHint, InlayHintParams } from 'vscode-languageserver-protocol';
import { type HintKind, inlayHints } from '../../core/features/inlay-hints';
import { largestWords } from '../../core/features/largest-words';
import type { Cancellation } from '../connection';
import type { ClientSettings } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { largestOf } from './what-if';

/** `textDocument/inlayHint`: what the values at hand cost or become, within the visible range. */
export function inlayHint(session: Session, { analysis }: AnalysedSnapshot, params: InlayHintParams): InlayHint[] {
  const wanted = wantedKinds(session.settings.hints);
  if (wanted.size === 0) return [];
  const { uri } = params.textDocument;
  const { lines } = analysis.file;
  const start = lines.offsetAt(params.range.start);
  const end = lines.offsetAt(params.range.end);
  return inlayHints(analysis)
    .filter((hint) => wanted.has(hint.kind) && hint.offset >= start && hint.offset <= end)
    .map((hint) => ({
      position: lines.positionAt(hint.offset),
      label: hint.label,
      tooltip: { kind: 'markdown', value: hint.tooltip },
      paddingLeft: true,
      ...(hint.kind === 'memory' && { data: { uri } satisfies HintData }),
    }));
}

/** What a hint carries, so that its tooltip can be completed when it is looked at. */
interface HintData {
  readonly uri: string;
}

/** `inlayHint/resolve`: a figure of memory that is looked at also says what the largest terms are, and what makes them smaller. */
export async function resolvedHint(session: Session, hint: InlayHint, cancellation: Cancellation): Promise<InlayHint> {
  const uri = (hint.data as HintData | undefined)?.uri;
  const { tooltip } = hint;
  if (uri === undefined || typeof tooltip !== 'object') return hint;
  return onSnapshot(session, uri, cancellation, hint, (snapshot, path) => {
    const lines = largestWords(largestOf(session, snapshot), path).map((line) => `- ${line}`);
    // Before the table of groups, which would push them out of sight.
    const [figures = '', ...groups] = tooltip.value.split('\n\n');
    const value = [figures, ...(lines.length > 0 ? [lines.join('\n')] : []), ...groups].join('\n\n');
    return { ...hint, tooltip: { ...tooltip, value } };
  });
}

function wantedKinds(settings: ClientSettings['hints'] = {}): ReadonlySet<HintKind> {
  if (settings.enabled === false) return new Set();
  const kinds: readonly HintKind[] = ['memory', 'offload', 'interconnect', 'buckets', 'auto'];
  return new Set(kinds.filter((kind) => settings[kind] !== false));
}
