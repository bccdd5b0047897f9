import { machineWords } from '../../core/features/machine-words';
import { reportFigures } from '../../core/features/report';
import type { Cluster } from '../../core/hardware/hardware';
import { findMachines, type Machine } from '../../core/recommend/machines';
import type { Cancellation } from '../connection';
import { type MachineAnswer, type MachinesAnswer, methods, type Price, type SearchProgress } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { inSlices } from '../slices';
import { pathOf } from '../uri';

/** `shardlens/machines`: where the run surely fits, the cheapest first. */
export async function machinesAnswer(
  session: Session,
  uri: string,
  cancellation: Cancellation,
): Promise<MachinesAnswer | null> {
  const path = pathOf(uri);
  const snapshot = await onSnapshot<AnalysedSnapshot | null>(session, uri, cancellation, null, (found) => found);
  if (!snapshot?.analysis.run) return null;
  const input = { workspace: snapshot.workspace, catalogs: session.core.catalogs, overrides: session.overridesInForce };
  const steps = findMachines(snapshot.analysis.file, input);
  const found = await inSlices(session, path, cancellation, steps, (done) => {
    session.connection.sendNotification(methods.searchProgress, { uri, done } satisfies SearchProgress);
  });
  return {
    path,
    why: found.why ?? null,
    machines: found.fitting.map(answer),
    others: found.others.map(({ id, target, why }) => ({ id, target: target ?? null, why })),
  };
}

function answer(machine: Machine): MachineAnswer {
  const { id, target, cluster, nodes, gpus, estimate, tokensPerSecond, usdPerBillionTokens, usdPerEpoch } = machine;
  const { memoryPerGpu, step } = reportFigures(estimate);
  return {
    id,
    target: target ?? null,
    label: target === undefined ? cluster.label : `${target}: ${cluster.label}`,
    nodes,
    gpus,
    memoryPerGpu,
    step,
    tokensPerSecond: tokensPerSecond ?? null,
    usdPerBillionTokens: usdPerBillionTokens ?? null,
    usdPerEpoch: usdPerEpoch ?? null,
    words: machineWords(machine),
    price: priceOf(cluster),
  };
}

/** The hourly price of a node, where the catalog has one. */
export function priceOf({ pricePerNodeHour: price }: Cluster): Price | null {
  return price ? { usdPerNodeHour: price.usd, region: price.region, asOf: price.asOf } : null;
}
