import { dialect } from '../../core/dialects/index';
import { bill, billMarkdown } from '../../core/features/breakdown';
import { isTraining, lenses, summaryOf } from '../../core/features/lens';
import { rulePage } from '../../core/features/rule-page';
import { rules } from '../../core/rules/index';
import { toRange } from '../convert';
import { type BreakdownAnswer, type ExplainParams, type FileStatus, type Lens, NOT_OURS } from '../protocol';
import type { AnalysedSnapshot, Session } from '../session';
import { findingsOf } from './diagnostic';
import { estimateAsSaved, largestOf } from './what-if';

/** `shardlens/lenses`: what the client draws above the config. */
export function lensesOf(session: Session, snapshot: AnalysedSnapshot): Lens[] {
  if (session.settings.lenses?.enabled === false) return [];
  const { analysis } = snapshot;
  const saved = session.files.saved(analysis.file.path);
  const before = saved && estimateAsSaved(session, snapshot, saved);
  return lenses(analysis, session.core.catalogs, before).map(({ offset, title, tooltip, action }) => ({
    range: toRange(analysis.file.lines, offset, offset),
    title,
    tooltip,
    action,
  }));
}

/** `shardlens/status`: what the file was taken for, and how it stands. */
export function fileStatus(session: Session, snapshot: AnalysedSnapshot): FileStatus {
  const { recognition, run, file } = snapshot.analysis;
  if (!recognition) return NOT_OURS;
  const foreign = recognition.dialect === 'foreign';
  const findings = findingsOf(session, file.path, snapshot);
  return {
    title:
      recognition.dialect === 'foreign'
        ? `${recognition.framework ?? 'other'} recipe`
        : dialect(recognition.dialect).title,
    reason: recognition.reason,
    foreign,
    summary: foreign
      ? 'recognised, not checked'
      : run && isTraining(snapshot.analysis)
        ? summaryOf(run, snapshot.analysis.estimate(), session.core.catalogs)
        : null,
    errors: findings.filter(({ severity }) => severity === 'error').length,
    warnings: findings.filter(({ severity }) => severity === 'warning').length,
  };
}

/** `shardlens/breakdown`: the bill as Markdown. */
export function breakdown(session: Session, snapshot: AnalysedSnapshot): BreakdownAnswer | null {
  const it = bill(snapshot.analysis, session.core.catalogs, largestOf(session, snapshot));
  return it ? { title: it.title, markdown: billMarkdown(it) } : null;
}

/** `shardlens/explain`: a rule's page; null for an id that is none. */
export function explain(session: Session, { rule: id }: ExplainParams): { readonly markdown: string } | null {
  const rule = rules.find((candidate) => candidate.id === id);
  return rule ? { markdown: rulePage(rule, session.core.catalogs) } : null;
}
