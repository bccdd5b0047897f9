import { machineWords } from '../../core/features/machine-words';
import { reportFigures } from '../../core/features/report';
import { compareTargets, type TargetRow, targetNames } from '../../core/recommend/targets';
import type { Cancellation } from '../connection';
import { type CompareAnswer, type CompareParams, methods, type SearchProgress, type TargetAnswer } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { inSlices } from '../slices';
import { pathOf } from '../uri';
import { priceOf } from './machines';

/** `shardlens/compareTargets`: the run on several of the user's targets, in the order asked for. */
export async function compareAnswer(
  session: Session,
  { uri, targets }: CompareParams,
  cancellation: Cancellation,
): Promise<CompareAnswer | null> {
  const path = pathOf(uri);
  const snapshot = await onSnapshot<AnalysedSnapshot | null>(session, uri, cancellation, null, (found) => found);
  if (!snapshot?.analysis.run) return null;
  const { file } = snapshot.analysis;
  const input = { workspace: snapshot.workspace, catalogs: session.core.catalogs, overrides: session.overridesInForce };
  const names = targetNames(file, input);
  const wanted = targets ?? names;
  const known = wanted.filter((name) => names.includes(name));
  const rows = await inSlices(session, path, cancellation, compareTargets(file, input, known), (done) => {
    session.connection.sendNotification(methods.searchProgress, { uri, done } satisfies SearchProgress);
  });
  return { path, targets: rows.map(answer), unknown: wanted.filter((name) => !names.includes(name)), names };
}

function answer(row: TargetRow): TargetAnswer {
  const { target, cluster, estimate } = row;
  return {
    target,
    hardware: cluster?.label ?? null,
    nodes: cluster?.nodes ?? null,
    gpusPerNode: cluster?.gpusPerNode ?? null,
    globalBatch: row.globalBatch ?? null,
    ...reportFigures(estimate),
    tokensPerSecond: row.tokensPerSecond ?? null,
    usdPerBillionTokens: row.usdPerBillionTokens ?? null,
    epochSeconds: row.epochSeconds ?? null,
    usdPerEpoch: row.usdPerEpoch ?? null,
    price: cluster ? priceOf(cluster) : null,
    why: row.why ?? null,
    words: machineWords(row),
  };
}
