import type { InlayHint, InlayHintParams } from 'vscode-languageserver-protocol';
import { type HintKind, inlayHints } from '../../core/features/inlay-hints';
import type { ClientSettings } from '../protocol';
import type { AnalysedSnapshot, Session } from '../session';

/** `textDocument/inlayHint`: what the values at hand cost or become, within the visible range. */
export function inlayHint(session: Session, { analysis }: AnalysedSnapshot, params: InlayHintParams): InlayHint[] {
  const wanted = wantedKinds(session.settings.hints);
  if (wanted.size === 0) return [];
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
    }));
}

function wantedKinds(settings: ClientSettings['hints'] = {}): ReadonlySet<HintKind> {
  if (settings.enabled === false) return new Set();
  const kinds: readonly HintKind[] = ['memory', 'offload', 'interconnect', 'buckets', 'auto'];
  return new Set(kinds.filter((kind) => settings[kind] !== false));
}
