import fc from 'fast-check';
import { expect, it } from 'vitest';
import { analyze, rewriteInput } from '../../../server/src/core/analyze';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { findRemedies } from '../../../server/src/core/fit/fit';
import { dimensions } from '../../../server/src/core/moves/index';
import { makeWrites } from '../../../server/src/core/moves/written';
import { Trials } from '../../../server/src/core/rewrite/trial';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

type Files = Readonly<Record<string, string>>;

const catalogs = loadCatalogs();

const trainer = fc
  .record({
    model: fc.constantFrom('meta-llama/Llama-3.1-8B', 'Qwen/Qwen2.5-1.5B', 'mistralai/Mistral-7B-v0.1'),
    micro: fc.constantFrom(1, 2, 4, 8),
    steps: fc.constantFrom(1, 2, 4, 6),
    length: fc.constantFrom(1024, 4096, 16384),
    checkpointing: fc.constantFrom('', 'gradient_checkpointing: true\n', 'gradient_checkpointing: false\n'),
    extra: fc.constantFrom(
      '',
      'optim: adamw_torch_fused\n',
      'packing: false\n',
      'attn_implementation: eager\n',
      'use_peft: true\n',
    ),
  })
  .map(
    ({ model, micro, steps, length, checkpointing, extra }) =>
      `model_name_or_path: ${model}\noutput_dir: out\ndataset_text_field: text\nper_device_train_batch_size: ${micro} # mine\ngradient_accumulation_steps: ${steps}\nmax_length: ${length}\nbf16: true\n${checkpointing}${extra}`,
  );

const zero = fc
  .record({
    stage: fc.constantFrom(0, 1, 2, 3),
    optimizer: fc.constantFrom('', ', "offload_optimizer": { "device": "cpu" }'),
    param: fc.constantFrom('', ', "offload_param": { "device": "cpu", "pin_memory": true }'),
    tuning: fc.constantFrom(
      '',
      ', "reduce_bucket_size": 5e7, "stage3_max_live_parameters": 1e8',
      ', "allgather_bucket_size": 5e8',
      ', "sub_group_size": 1e8, "stage3_gather_16bit_weights_on_model_save": true',
    ),
    half: fc.constantFrom(
      '"bf16": { "enabled": "auto" }',
      '"bf16": { "enabled": "auto" }, "gradient_clipping": "auto"',
    ),
  })
  .map(
    ({ stage, optimizer, param, tuning, half }) =>
      `{ ${half}, "zero_optimization": { "stage": ${stage}${tuning}${optimizer}${param} } }\n`,
  );

const accelerate = fc.constantFrom(
  'distributed_type: MULTI_GPU\n',
  'distributed_type: DEEPSPEED\ndeepspeed_config:\n  zero_stage: 2\n  offload_optimizer_device: cpu\n',
  'distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 1\n  fsdp_sharding_strategy: FULL_SHARD\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n',
  'distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n  fsdp_offload_params: true\n',
);

const place = fc.record({
  hardware: fc.constantFrom('p4d.24xlarge', 'g5.48xlarge', 'p5.48xlarge', 'g6e.48xlarge'),
  nodes: fc.constantFrom(1, 2),
});

const settings = ({ hardware, nodes }: { hardware: string; nodes: number }, more: string) =>
  `{ "target": "t", "targets": { "t": { "hardware": "${hardware}", "nodes": ${nodes} } }, "meanSequenceLength": 512${more} }`;

const runs: fc.Arbitrary<Files> = fc.oneof(
  fc.record({ train: trainer, ds: zero, place }).map((it) => ({
    'train.yaml': `${it.train}deepspeed: ds.json\n`,
    'ds.json': it.ds,
    'shardlens.json': settings(it.place, ''),
  })),
  fc.record({ train: trainer, file: accelerate, place }).map((it) => ({
    'train.yaml': it.train,
    'accelerate.yaml': `${it.file}mixed_precision: bf16\nnum_machines: ${it.place.nodes}\nnum_processes: ${8 * it.place.nodes}\n`,
    'shardlens.json': settings(it.place, ', "files": { "train.yaml": { "with": ["accelerate.yaml"] } }'),
  })),
  fc.record({ ds: zero, place, size: fc.constantFrom(1, 2, 8), named: fc.boolean() }).map((it) => ({
    'ds.json': it.ds,
    'launch.sh': `${it.named ? `MICRO="${it.size}" # mine\n` : '# mine\n'}torchrun --nnodes ${it.place.nodes} --nproc_per_node 8 train.py \\\n  --model_name_or_path meta-llama/Llama-3.1-8B --output_dir out --bf16 True --deepspeed ds.json \\\n  --per_device_train_batch_size ${it.named ? '$MICRO' : it.size} --gradient_accumulation_steps 4\n`,
    'shardlens.json': settings(it.place, ', "sequenceLength": 4096'),
  })),
);

/** The first file: the one that is analysed. */
function firstOf(files: Files): string {
  return Object.keys(files)[0] ?? '';
}

/** Enough to meet every kind of change; the whole search is no other. */
const MOST_TRIED = 300;

function analysed(files: Files, name: string) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} is not there`);
  return { file, input: { workspace, catalogs }, analysis: analyze(file, { workspace, catalogs }) };
}

function rulesOf(files: Files): string[] {
  const names = Object.keys(files).filter((name) => name !== 'shardlens.json' && !name.endsWith('.sh'));
  return names.flatMap((name) =>
    analysed(files, name)
      .analysis.findings()
      .map(({ rule }) => rule),
  );
}

it('of any run are kept: the figures are exact, no finding comes, the global batch and every comment stay', {
  timeout: 120_000,
}, () => {
  let remedies = 0;
  fc.assert(
    fc.property(runs, (files) => {
      const name = firstOf(files);
      const { file, input, analysis } = analysed(files, name);
      const steps = findRemedies(file, input, MOST_TRIED);
      let step = steps.next();
      while (!step.done) step = steps.next();
      const had = new Set(rulesOf(files));
      for (const remedy of step.value.remedies) {
        remedies++;
        const changed = Object.fromEntries(
          Object.entries(files).map(([name, text]) => [
            name,
            applyEdits(
              text,
              remedy.edits.filter(({ path }) => path === `${ROOT}/${name}`),
            ),
          ]),
        );
        const after = analysed(changed, name).analysis;
        const estimate = after.estimate();
        expect(estimate?.memory, remedy.title).toEqual(remedy.estimate.memory);
        expect(estimate?.step, remedy.title).toEqual(remedy.estimate.step);
        expect(estimate?.host, remedy.title).toEqual(remedy.estimate.host);
        expect(estimate?.memory?.fits).toBe(true);
        expect(
          rulesOf(changed).filter((rule) => !had.has(rule)),
          remedy.title,
        ).toEqual([]);
        expect(Object.values(changed).join('')).toContain('# mine');
        if (remedy.training === 'data') continue;
        expect(after.run?.batch.global.known && after.run.batch.global.value, remedy.title).toBe(
          analysis.run?.batch.global.known && analysis.run.batch.global.value,
        );
      }
    }),
    { numRuns: 25, seed: 7 },
  );
  expect(remedies).toBeGreaterThan(20);
});

it('of each single change are what leads the search: the facts and the changed files give the same', {
  timeout: 120_000,
}, () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(runs, (files) => {
      const { input, analysis } = analysed(files, firstOf(files));
      const { run } = analysis;
      if (!run) throw new Error('no run');
      const trials = new Trials(analysis, rewriteInput(input), 'run');
      for (const move of dimensions.flatMap((open) => open(run))) {
        if (move.allows && !move.allows(run)) continue;
        const written = makeWrites(input.workspace, move.writes);
        if (!written) continue;
        const promised = estimateRun(move.apply(run));
        const given = trials.with(written.sources).analysis.estimate();
        seen.add(move.dimension);
        expect([move.title, given?.memory?.value], files['ds.json']).toEqual([move.title, promised.memory?.value]);
        expect([move.title, given?.step?.seconds]).toEqual([move.title, promised.step?.seconds]);
        expect([move.title, given?.host?.bytes]).toEqual([move.title, promised.host?.bytes]);
      }
    }),
    { numRuns: 25, seed: 11 },
  );
  expect(seen.size).toBeGreaterThan(12);
});
