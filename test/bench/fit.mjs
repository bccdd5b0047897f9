import { loadSource } from '../../scripts/load-source.mjs';
import { milliseconds, row } from './measure.mjs';

/** Issue 5, point 6: 10,000 candidates in 2 s, remedies written and analysed again included. */
const WANTED = 2000;
const CANDIDATES = 10_000;
const ROUNDS = 3;

const TRAIN = `model_name_or_path: meta-llama/Meta-Llama-3-8B
dataset_text_field: text
output_dir: out
per_device_train_batch_size: 8
gradient_accumulation_steps: 8
max_length: 8192
bf16: true
deepspeed: ds.json
`;
const DS = `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2, "overlap_comm": false }
}
`;
const SETTINGS = '{ "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge", "nodes": 2 } } }';

/** A search as large as it gets: every kind of change is open to this run. */
export async function fit() {
  const { findRemedies, loadCatalogs, memoryWorkspace, ROOT } = await loadSource([
    'server/src/core/fit/fit',
    'server/src/data/index',
    'test/memory-workspace',
  ]);
  const workspace = memoryWorkspace({ 'train.yaml': TRAIN, 'ds.json': DS, 'shardlens.json': SETTINGS });
  const file = workspace.source(`${ROOT}/train.yaml`);
  const input = { workspace, catalogs: loadCatalogs() };
  let best = Number.POSITIVE_INFINITY;
  let tried = 0;
  let longest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const time = await milliseconds(() => {
      const steps = findRemedies(file, input);
      for (;;) {
        const start = performance.now();
        const step = steps.next();
        // The first pause comes after the analysis of the run as it is, which is no part of the search.
        if (round > 0) longest = Math.max(longest, performance.now() - start);
        if (step.done) {
          tried = step.value.tried;
          break;
        }
      }
    });
    best = Math.min(best, time);
  }
  return [
    row(
      `fit: ${CANDIDATES.toLocaleString('en')} candidates, remedies included`,
      (best * CANDIDATES) / tried,
      'ms',
      WANTED,
      {
        note: `${tried} tried`,
      },
    ),
    row('fit: longest time between two pauses', longest, 'ms', 100),
  ];
}
