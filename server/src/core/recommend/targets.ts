import type { Overrides } from '../analysis';
import { type AnalysisInput, analyze } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import type { Cluster } from '../hardware/hardware';
import { valueIfKnown } from '../run/known';
import { setting } from '../settings';
import type { SourceFile } from '../source';
import { type Cost, costOf } from './price';

/** The run on one of the user's targets. */
export interface TargetRow extends Cost {
  /** Its name in shardlens.json. */
  readonly target: string;
  /** undefined where it names no hardware that is known. */
  readonly cluster: Cluster | undefined;
  /** Samples per optimizer step: the batch of each GPU stays, so more GPUs take more. */
  readonly globalBatch: number | undefined;
  readonly estimate: Estimate;
  /** Why figures are missing; undefined where none is. */
  readonly why: string | undefined;
}

/** Names of the targets that the file's shardlens.json has, in its order. */
export function targetNames(file: SourceFile, input: AnalysisInput): string[] {
  const { run } = analyze(file, input);
  const named = run?.configs.shardlens && setting(run.configs.shardlens, 'targets')?.node;
  return named?.kind === 'mapping' ? named.entries.map(({ key }) => key) : [];
}

/** The run on each of these targets, in their order. Pauses after each with the number done. Pure. */
export function* compareTargets(
  file: SourceFile,
  input: AnalysisInput,
  names: readonly string[],
): Generator<number, TargetRow[], void> {
  const rows: TargetRow[] = [];
  for (const target of names) {
    rows.push(...rowOf(target, file, input));
    yield rows.length;
  }
  return rows;
}

function rowOf(target: string, file: SourceFile, input: AnalysisInput): TargetRow[] {
  const { hardware: _hardware, nodes: _nodes, gpusPerNode: _gpus, ...others } = input.overrides ?? {};
  const overrides: Overrides = { from: 'flag', ...others, target };
  const analysis = analyze(file, { ...input, overrides });
  const { run } = analysis;
  const estimate = analysis.estimate();
  if (!run || !estimate) return [];
  const cluster = valueIfKnown(run.cluster);
  const missing = estimate.assumptions.find(({ value }) => value === 'not known');
  const reason = missing && `${missing.what}: ${missing.because}`;
  return [
    {
      target,
      cluster,
      globalBatch: valueIfKnown(run.batch.global),
      estimate,
      ...(cluster
        ? costOf(estimate, cluster, run)
        : {
            tokensPerSecond: undefined,
            usdPerStep: undefined,
            usdPerBillionTokens: undefined,
            epochSeconds: undefined,
            usdPerEpoch: undefined,
          }),
      why: run.cluster.known ? (estimate.memory && estimate.step ? undefined : reason) : run.cluster.why,
    },
  ];
}
