import type { Estimate } from '../estimate/estimate';
import type { Cluster } from '../hardware/hardware';
import type { TrainingRun } from '../run/training-run';

/** What a run costs on a machine. undefined where the step time, the price or the size of the data is not known. */
export interface Cost {
  /** Of all GPUs together. */
  readonly tokensPerSecond: number | undefined;
  /** On demand, where the catalog has a dated price. */
  readonly usdPerStep: number | undefined;
  readonly usdPerBillionTokens: number | undefined;
  /** Seconds and dollars of one pass over the training set, where shardlens.json gives its size. */
  readonly epochSeconds: number | undefined;
  readonly usdPerEpoch: number | undefined;
}

/** Rates of all GPUs of a cluster, and what they cost by its hourly price. */
export function costOf({ step }: Estimate, cluster: Cluster, run: TrainingRun): Cost {
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const tokensPerSecond = step ? step.tokensPerSecondPerGpu * gpus : undefined;
  const hourly = cluster.pricePerNodeHour?.usd;
  const usdPerSecond = hourly === undefined ? undefined : (hourly * cluster.nodes) / 3600;
  const { global } = run.batch;
  const samples = run.datasetSamples;
  const steps = samples?.known && global.known ? Math.ceil(samples.value / global.value) : undefined;
  const epochSeconds = step && steps !== undefined ? steps * step.seconds : undefined;
  const price = (seconds: number | undefined): number | undefined =>
    seconds === undefined || usdPerSecond === undefined ? undefined : seconds * usdPerSecond;
  return {
    tokensPerSecond,
    usdPerStep: price(step?.seconds),
    usdPerBillionTokens: price(tokensPerSecond ? 1e9 / tokensPerSecond : undefined),
    epochSeconds,
    usdPerEpoch: price(epochSeconds),
  };
}
