import type { Analysis, Overrides } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import { fingerprintOf, machineOf } from '../../../server/src/core/calibrate/fingerprint';
import type { RunMeasurement } from '../../../server/src/core/calibrate/measurement';
import type { Figure } from '../../../server/src/core/calibrate/samples';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

export const catalogs = loadCatalogs();

export const DS = `{
  "bf16": { "enabled": true },
  "zero_optimization": {
    "stage": 3,
    "reduce_bucket_size": 5e7,
    "offload_optimizer": { "device": "cpu" }
  },
  "train_micro_batch_size_per_gpu": "auto",
  "steps_per_print": "auto"
}`;

export const TRAIN = `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 2
gradient_accumulation_steps: 4
learning_rate: 1.0e-5
num_train_epochs: 1
logging_steps: 10
bf16: true
gradient_checkpointing: true
deepspeed: "ds.json"
`;

export const SETTINGS = `{
  "target": "box",
  "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 4 } },
  "sequenceLength": 512
}`;

export const FILES = { 'ds.json': DS, 'train.yaml': TRAIN, 'shardlens.json': SETTINGS };

/** The analysis of one of the files, as an adapter makes it. */
export function analysisOf(
  name: string,
  files: Readonly<Record<string, string>> = FILES,
  overrides?: Overrides,
): Analysis {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`no file ${name}`);
  return analyze(file, { workspace, catalogs, ...(overrides ? { overrides } : {}) });
}

/** The analysis of the same run as if its logs had shown these figures, bytes and seconds. */
export function measuredAs(analysis: Analysis, figures: Readonly<Partial<Record<Figure, number>>>): Analysis {
  if (!analysis.run) throw new Error('no run');
  const read = Object.entries(figures).map(([figure, value]) => {
    const from = figure === 'driver' ? 'smi.log:1' : 'run.log:7';
    return [figure, { value, low: value, high: value, bound: 'peak', from }] as const;
  });
  const measurement: RunMeasurement = {
    name: 'm',
    file: 'train.yaml',
    target: undefined,
    figures: Object.fromEntries(read),
    run: fingerprintOf(analysis.run),
    machine: machineOf(analysis.run),
    origin: { kind: 'assumed', because: 'a test' },
    isOwn: true,
  };
  const run = { ...analysis.run, measured: [measurement] };
  return { ...analysis, run, estimate: () => estimateRun(run) };
}
