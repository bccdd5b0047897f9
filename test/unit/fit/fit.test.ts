import { describe, expect, it } from 'vitest';
import { type AnalysisInput, analyze } from '../../../server/src/core/analyze';
import { type FitResult, findRemedies } from '../../../server/src/core/fit/fit';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

type Files = Readonly<Record<string, string>>;

const shardlens = (target: string, more = ''): string =>
  `{ "target": "t", "targets": { "t": ${target} }, "frameworks": { "transformers": "5.18.0", "accelerate": "1.15.0", "deepspeed": "0.19.6", "trl": "1.13.0" }${more} }`;

/** Runs of every kind of sharding: some fit, some do not. */
const RUNS: Readonly<Record<string, Files>> = {
  'a DeepSpeed file that offloads without need': {
    'ds.json': `{
  "train_micro_batch_size_per_gpu": 1,
  "gradient_accumulation_steps": 8,
  "bf16": { "enabled": true },
  "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } },
  "zero_optimization": {
    "stage": 3,
    "offload_optimizer": { "device": "cpu", "pin_memory": true },
    "offload_param": { "device": "cpu", "pin_memory": true }
  }
}
`,
    'shardlens.json': shardlens(
      '{ "hardware": "p4d.24xlarge" }',
      ', "model": "Qwen/Qwen2.5-7B", "sequenceLength": 2048, "consumer": "deepspeed"',
    ),
  },
  'a Trainer file with a DeepSpeed file of "auto"': {
    'train.yaml': `# how it is trained
model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 8 # too many
gradient_accumulation_steps: 2
learning_rate: 2.0e-5
bf16: true
logging_steps: 10
deepspeed: ds.json
`,
    'ds.json': `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2 }
}
`,
    'shardlens.json': shardlens('{ "hardware": "p4d.24xlarge" }', ', "sequenceLength": 2048'),
  },
  'Accelerate with FSDP1 on two nodes': {
    'accelerate.yaml': `distributed_type: FSDP
mixed_precision: bf16
num_machines: 2
num_processes: 16
fsdp_config:
  fsdp_version: 1
  fsdp_sharding_strategy: FULL_SHARD
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
  fsdp_state_dict_type: SHARDED_STATE_DICT
  fsdp_offload_params: true
`,
    'train.yaml': `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 4
gradient_accumulation_steps: 4
bf16: true
`,
    'shardlens.json': shardlens(
      '{ "hardware": "p4d.24xlarge", "nodes": 2 }',
      ', "sequenceLength": 2048, "files": { "train.yaml": { "with": ["accelerate.yaml"] } }',
    ),
  },
  'FSDP2 on two nodes, with short samples in long rows': {
    'sft.yaml': `model_name_or_path: meta-llama/Llama-3.1-8B
dataset_text_field: text
output_dir: out
per_device_train_batch_size: 2 # rows
gradient_accumulation_steps: 8
max_length: 16384
bf16: true
packing: false
`,
    'accelerate.yaml': `distributed_type: FSDP
mixed_precision: bf16
num_machines: 2
num_processes: 16
main_process_ip: 10.0.0.1
fsdp_config:
  fsdp_version: 2
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
  fsdp_activation_checkpointing: true
  fsdp_state_dict_type: SHARDED_STATE_DICT
`,
    'shardlens.json': shardlens(
      '{ "hardware": "g6e.48xlarge", "nodes": 2 }',
      ', "meanSequenceLength": 4096, "files": { "sft.yaml": { "with": ["accelerate.yaml"] } }',
    ),
  },
  'samples too long for one GPU, under DeepSpeed': {
    'sft.yaml': `model_name_or_path: meta-llama/Llama-3.1-8B
dataset_text_field: text
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
max_length: 65536
bf16: true
`,
    'accelerate.yaml': `distributed_type: DEEPSPEED
mixed_precision: bf16
num_machines: 1
num_processes: 8
deepspeed_config:
  zero_stage: 3
  zero3_save_16bit_model: true
`,
    'shardlens.json': shardlens(
      '{ "hardware": "p4d.24xlarge" }',
      ', "files": { "sft.yaml": { "with": ["accelerate.yaml"] } }',
    ),
  },
  'copies of a model that no GPU holds': {
    'sft.yaml': `model_name_or_path: meta-llama/Llama-3.1-8B
dataset_text_field: text
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
gradient_checkpointing: true
max_length: 4096
bf16: true
`,
    'accelerate.yaml': `# started by hand
distributed_type: MULTI_GPU
mixed_precision: bf16
num_machines: 1
num_processes: 8
`,
    'shardlens.json': shardlens(
      '{ "hardware": "p4d.24xlarge" }',
      ', "files": { "sft.yaml": { "with": ["accelerate.yaml"] } }',
    ),
  },
  'states that no host holds': {
    'train.yaml': `model_name_or_path: meta-llama/Meta-Llama-3-70B
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
gradient_checkpointing: true
use_liger_kernel: true
bf16: true
deepspeed: ds.json
`,
    'ds.json': `{
  "bf16": { "enabled": "auto" },
  "zero_optimization": {
    "stage": 3,
    "offload_optimizer": { "device": "cpu" },
    "offload_param": { "device": "cpu" }
  }
}
`,
    'shardlens.json': shardlens('{ "hardware": "g5.48xlarge" }', ', "sequenceLength": 2048'),
  },
  'arguments on a launch line': {
    'ds.json': `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2 }
}
`,
    'train.sh': `#!/bin/bash
LR=1e-5 # as in the paper
torchrun --nproc_per_node=8 train.py \\
  --model_name_or_path meta-llama/Meta-Llama-3-8B \\
  --per_device_train_batch_size=8 \\
  --gradient_accumulation_steps 2 \\
  --learning_rate $LR \\
  --bf16 True --save_steps 100 \\
  --deepspeed ds.json
`,
    'shardlens.json': shardlens('{ "hardware": "p4d.24xlarge" }', ', "sequenceLength": 2048'),
  },
  'one GPU that is too small': {
    'train.yaml': `model_name_or_path: Qwen/Qwen2.5-3B
output_dir: out
per_device_train_batch_size: 4
gradient_accumulation_steps: 4
bf16: true
max_length: 2048
dataset_name: trl-lib/Capybara
`,
    'shardlens.json': shardlens('{ "hardware": "A100-80GB", "nodes": 1, "gpusPerNode": 1 }'),
  },
};

function run(files: Files): { result: FitResult; input: AnalysisInput; name: string; pauses: number } {
  const workspace = memoryWorkspace(files);
  const name = Object.keys(files)[0] ?? '';
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} is not there`);
  const input = { workspace, catalogs: loadCatalogs() };
  const steps = findRemedies(file, input);
  let pauses = 0;
  for (;;) {
    const step = steps.next();
    if (step.done) return { result: step.value, input, name, pauses };
    pauses++;
  }
}

function analysed(files: Files, name: string) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} is not there`);
  return analyze(file, { workspace, catalogs: loadCatalogs() });
}

function applied(files: Files, remedy: FitResult['remedies'][number]): Files {
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      applyEdits(
        text,
        remedy.edits.filter(({ path }) => path === `${ROOT}/${name}`),
      ),
    ]),
  );
}

describe.each(Object.entries(RUNS))('%s', (_, files) => {
  const { result, name } = run(files);
  const before = analysed(files, name);

  it('has remedies, each of which surely fits', () => {
    expect(result.remedies.length, result.why).toBeGreaterThan(0);
    for (const { estimate } of result.remedies) {
      expect(estimate.memory?.fits).toBe(true);
      expect(estimate.host?.fits).not.toBe(false);
    }
    expect(result.remedies[0]?.merits).toContain('smallest');
    expect(result.remedies.filter(({ merits }) => merits.includes('fastest'))).toHaveLength(1);
  });

  it('gives exactly what was promised once the edits are applied, and no new finding in any file', () => {
    const had = new Set(Object.keys(files).flatMap((file) => rulesOf(files, file)));
    for (const remedy of result.remedies) {
      const changed = applied(files, remedy);
      const after = analysed(changed, name).estimate();
      expect(after?.memory).toEqual(remedy.estimate.memory);
      expect(after?.step?.seconds).toEqual(remedy.estimate.step?.seconds);
      expect(after?.host?.bytes).toEqual(remedy.estimate.host?.bytes);
      const found = Object.keys(changed).flatMap((file) => rulesOf(changed, file));
      expect(
        found.filter((rule) => !had.has(rule)),
        remedy.title,
      ).toEqual([]);
    }
  });

  it('keeps the global batch, the comments and the lines it does not change', () => {
    for (const remedy of result.remedies) {
      const changed = applied(files, remedy);
      const batch = (it: ReturnType<typeof analysed>) => it.run?.batch.global.known && it.run.batch.global.value;
      if (remedy.training === 'data') expect(tokens(analysed(changed, name)) / tokens(before)).toBeCloseTo(1, 1);
      else expect(batch(analysed(changed, name))).toBe(batch(before));
      for (const [file, text] of Object.entries(files)) {
        const lines = new Set((changed[file] ?? '').split('\n'));
        const lost = text.split('\n').filter((line) => !lines.has(line));
        expect(lost.length, `${remedy.title} in ${file}`).toBeLessThanOrEqual(remedy.changes.length * 4);
        for (const comment of text.match(/#.*/g) ?? []) expect(changed[file]).toContain(comment);
      }
    }
  });

  it('has no fastest remedy that another one with the same training beats', () => {
    const fastest = result.remedies.find(({ merits }) => merits.includes('fastest'))?.estimate.step?.seconds ?? 0;
    for (const { estimate, training } of result.remedies) {
      if (training !== 'same') continue;
      expect(estimate.step?.seconds ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(fastest * 0.95);
    }
  });
});

/** Tokens of an optimizer step. */
function tokens({ run }: ReturnType<typeof analysed>): number {
  const { global, meanSequenceLength } = run?.batch ?? {};
  return global?.known && meanSequenceLength?.known ? global.value * meanSequenceLength.value : Number.NaN;
}

function rulesOf(files: Files, name: string): string[] {
  if (name === 'shardlens.json') return [];
  return analysed(files, name)
    .findings()
    .map(({ rule }) => rule);
}

it.each([
  ['FSDP2 on two nodes, with short samples in long rows', 'packing', [true]],
  ['samples too long for one GPU, under DeepSpeed', 'parallelism_config.parallelism_config_sp_size', [2, 4, 8]],
  ['copies of a model that no GPU holds', 'distributed_type', ['FSDP']],
  ['states that no host holds', 'zero_optimization.offload_optimizer.device', ['nvme']],
  ['arguments on a launch line', '--per_device_train_batch_size', [1, 2]],
])('finds what an expert would for %s', (name, key, values) => {
  const { remedies } = run(RUNS[name] ?? {}).result;
  const changes = remedies.flatMap((remedy) => remedy.changes);
  const found = changes.filter((change) => change.key === key).map(({ to }) => to);
  expect(values).toEqual(expect.arrayContaining(found));
  expect(found).not.toEqual([]);
});

it('says which flag keeps the batch closed', () => {
  const { 'ds.json': ds = '', 'train.sh': script = '', ...others } = RUNS['arguments on a launch line'] ?? {};
  const files = {
    'ds.json': ds,
    'train.sh': script.replace('size=8', 'size=$BATCH').replace('LR=', 'export BATCH=8\nLR='),
    ...others,
  };
  const { closed } = run(files).result;
  expect(closed).toContainEqual({
    what: 'micro-batch and accumulation',
    because: expect.stringMatching(
      /^--per_device_train_batch_size in train.sh takes its value from BATCH, which is exported/,
    ),
  });
});

it('says what was searched, and what only the script could do', () => {
  const { searched, closed, tried } = run(RUNS['a Trainer file with a DeepSpeed file of "auto"'] ?? {}).result;
  const names = searched.map(({ what }) => what);
  expect(names).toEqual(expect.arrayContaining(['micro-batch', 'recomputation', 'ZeRO stage', 'tensor parallelism']));
  expect(new Set(names).size).toBe(names.length);
  expect(tried).toBeGreaterThan(searched.reduce((sum, { values }) => sum + values, 0));
  const others = closed.map(({ what }) => what);
  expect(others).toEqual(expect.arrayContaining(['pipeline stages', 'sequence split', 'attention']));
});

it('pauses, so that a caller can stop it', () => {
  const files = RUNS['a Trainer file with a DeepSpeed file of "auto"'] ?? {};
  expect(run(files).pauses).toBeGreaterThan(2);
});

it('finds the same remedies each time', () => {
  const files = RUNS['one GPU that is too small'] ?? {};
  const titles = () => run(files).result.remedies.map(({ title }) => title);
  expect(titles()).toEqual(titles());
});

describe('says why there is nothing to offer', () => {
  it('when the hardware is not known', () => {
    const { 'shardlens.json': _, ...files } = RUNS['one GPU that is too small'] ?? {};
    const { result } = run(files);
    expect(result.remedies).toEqual([]);
    expect(result.why).toMatch(/^the hardware is not known/);
  });

  it('when nothing that the files settle can help', () => {
    const { result } = run({
      'ds.json':
        '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 0 }, "fp16": { "enabled": true } }',
      'shardlens.json': shardlens(
        '{ "hardware": "A100-40GB", "nodes": 1, "gpusPerNode": 1 }',
        ', "model": "meta-llama/Meta-Llama-3-70B", "sequenceLength": 512',
      ),
    });
    expect(result.goal).toBe('fit');
    expect(result.remedies).toEqual([]);
    expect(result.why).toMatch(/nothing that these files settle/);
  });
});
