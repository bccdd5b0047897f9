import { describe, expect, test } from 'vitest';
import { couldBeConfig, dialect, dialects, recognise } from '../../../server/src/core/dialects/index';
import type { Config, DialectId } from '../../../server/src/core/source';
import { parseSource } from '../../../server/src/core/syntax/parse';

function recognised(path: string, text: string) {
  const recognition = recognise(parseSource(`/w/${path}`, text));
  return recognition && [recognition.dialect, recognition.framework].filter((part) => part !== undefined).join(': ');
}

const TRL = `model_name_or_path: Qwen/Qwen2.5-1.5B
dataset_name: x
learning_rate: 2.0e-05
num_train_epochs: 1
per_device_train_batch_size: 2
gradient_checkpointing: true
bf16: true
`;
const ACCELERATE = `compute_environment: LOCAL_MACHINE
distributed_type: FSDP
mixed_precision: bf16
fsdp_config:
  fsdp_version: 2
`;

const OURS: [string, string, string, DialectId][] = [
  ['ZeRO section', 'x.json', '{"zero_optimization": {"stage": 2}}', 'deepspeed'],
  ['micro-batch', 'x.json', '{"train_micro_batch_size_per_gpu": 1, "steps_per_print": 10}', 'deepspeed'],
  ['precision section', 'x.json', '{"bf16": {"enabled": true}, "gradient_clipping": 1.0}', 'deepspeed'],
  ['in YAML', 'x.yaml', 'zero_optimization:\n  stage: 3\n', 'deepspeed'],
  ['an empty file under a name', 'ds_config.json', '{}', 'deepspeed'],
  ['a cut-off file', 'x.json', '{"zero_optimization": {"stage": 3, "offload_param": {"dev', 'deepspeed'],
  ['nothing readable under a name', 'ds_config_zero3.json', '[[[', 'deepspeed'],
  ['one foreign key', 'x.json', '{"zero_optimization": {}, "fp16": {}, "use_cpu": false}', 'deepspeed'],
  ['Accelerate', 'x.yaml', ACCELERATE, 'accelerate'],
  [
    'Accelerate in JSON under a DeepSpeed name',
    'ds_config.json',
    '{"compute_environment": "LOCAL_MACHINE", "num_processes": 8, "zero_optimization": {"stage": 2}}',
    'accelerate',
  ],
  ['TRL', 'x.yaml', TRL, 'trainer'],
  ['Trainer with its DeepSpeed file', 'x.yaml', 'deepspeed: ds.json\noutput_dir: o\nnum_train_epochs: 1\n', 'trainer'],
  ['the two FSDP arguments', 'x.json', '{"fsdp": "full_shard", "fsdp_config": {"fsdp_version": 2}}', 'trainer'],
  ['FSDP', 'x.json', '{"fsdp_transformer_layer_cls_to_wrap": "LlamaDecoderLayer"}', 'fsdp'],
  ['FSDP without prefix', 'x.json', '{"transformer_layer_cls_to_wrap": ["A"], "xla": false}', 'fsdp'],
  ['model', 'config.json', '{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32}', 'model'],
  ['own settings', 'shardlens.json', '{', 'shardlens'],
  ['cluster', 'box.json', '{"instance": "p4d.24xlarge", "nodes": 2}', 'cluster'],
  [
    'own node',
    'box.json',
    '{"node": {"accelerator": "a100-40", "count": 8}, "between": {"transport": "tcp"}}',
    'cluster',
  ],
];

test.each(OURS)('%s', (_, path, text, expected) => {
  expect(recognised(path, text)).toBe(expected);
  expect(couldBeConfig(`/w/${path}`, text)).toBe(true);
});

test.each([
  ['LLaMA-Factory', `${TRL}stage: sft\nfinetuning_type: lora\ntemplate: qwen\n`],
  ['axolotl', 'base_model: m\nsequence_len: 4096\nmicro_batch_size: 2\nnum_epochs: 1\ndeepspeed: ds.json\n'],
  ['ms-swift', 'model: m\ntuner_type: lora\nper_device_train_batch_size: 1\nnum_train_epochs: 1\nlogging_steps: 5\n'],
  ['torchtune', 'optimizer:\n  _component_: torch.optim.AdamW\n  lr: 2e-5\nbatch_size: 2\n'],
  ['gpt-neox', 'pipe_parallel_size: 1\nmodel_parallel_size: 2\ntrain_iters: 10\nzero_optimization:\n  stage: 1\n'],
  ['verl', 'actor_rollout_ref:\n  model: {}\ntrainer: {}\ndata: {}\n'],
  ['Megatron', 'tensor_model_parallel_size: 2\npipeline_model_parallel_size: 2\n'],
  ['NeMo', 'trainer:\n  devices: 8\nexp_manager: {}\nmodel: {}\n'],
  ['LitGPT', 'checkpoint_dir: x\nprecision: bf16-true\ntrain:\n  global_batch_size: 8\n  micro_batch_size: 1\n'],
  ['a script with its own training loop', `${TRL}with_tracking: true\n`],
])('%s is named and left alone', (framework, text) => {
  expect(recognised('x.yaml', text)).toBe(`foreign: ${framework}`);
});

test.each([
  ['tsconfig', 'tsconfig.json', '{"compilerOptions": {"strict": true}}'],
  ['adapter', 'adapter_config.json', '{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}'],
  ['tokenizer', 'tokenizer_config.json', '{"model_type": "llama", "tokenizer_class": "LlamaTokenizer"}'],
  ['a generation config', 'generation_config.json', '{"bos_token_id": 1, "transformers_version": "4.40.0"}'],
  ['CI', 'accelerate.yml', 'name: test\non: push\njobs: {}\n'],
  ['Kubernetes', 'fsdp.yaml', 'apiVersion: v1\nkind: Pod\nspec: {}\n'],
  ['a list', 'train.json', '[{"messages": []}]'],
  [
    'an own nested format',
    'x.yaml',
    'training:\n  learning_rate: 1e-4\nlora:\n  r: 8\nfsdp:\n  sharding_strategy: FULL_SHARD\n',
  ],
  ['some optimizer', 'x.json', '{"optimizer": {"lr": 0.1}, "epochs": 3, "model": "resnet"}'],
  ['one FSDP word', 'x.json', '{"forward_prefetch": true}'],
  ['a schema', 'x.schema.json', '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {}}'],
  ['an instance of something else', 'x.json', '{"instance": "a", "nodes": 3, "color": "red"}'],
  ['text', 'fsdp_config.json', 'fsdp_config'],
  ['nothing', 'x.yaml', ''],
])('%s is not claimed', (_, path, text) => {
  expect(recognised(path, text)).toBeUndefined();
});

test('every recognition has a reason in words', () => {
  for (const [, path, text] of OURS) {
    expect(recognise(parseSource(`/w/${path}`, text))?.reason).toMatch(/^(?:has|is|names) ./);
  }
});

describe('sections and references', () => {
  function config(id: DialectId, path: string, text: string): Config {
    const file = parseSource(path, text);
    if (file.tree.root?.kind !== 'mapping') throw new Error('no mapping');
    return { dialect: id, file, root: file.tree.root, at: '' };
  }
  const linked = (c: Config) =>
    dialect(c.dialect)
      .references(c)
      .map(({ setting, dialect: to }) => {
        const node = setting.node;
        return [setting.path, node && c.file.text.slice(node.start, node.end), to];
      });

  test('a Trainer file names its DeepSpeed file, FSDP file and model folder', () => {
    const text = 'deepspeed: configs/ds.json\nfsdp_config: fsdp.json\nmodel_name_or_path: ./models/x\n';
    expect(linked(config('trainer', '/w/t.yaml', text))).toEqual([
      ['deepspeed', 'configs/ds.json', 'deepspeed'],
      ['fsdp_config', 'fsdp.json', 'fsdp'],
      ['model_name_or_path', './models/x', 'model'],
    ]);
  });

  test('a hub id, a template and JSON in a text are no files', () => {
    const text = 'deepspeed: "{\\"zero_optimization\\": {}}"\nfsdp_config: <YOUR_FILE>\nmodel_name_or_path: org/name\n';
    expect(linked(config('trainer', '/w/t.yaml', text))).toEqual([]);
  });

  test('mappings inside a Trainer file are configs of their own', () => {
    const c = config(
      'trainer',
      '/w/t.yaml',
      'deepspeed:\n  zero_optimization:\n    stage: 2\nfsdp_config:\n  version: 2\n',
    );
    const sections = dialect('trainer').sections(c);
    expect(sections.map((s) => [s.dialect, s.at, s.root.entries[0]?.key])).toEqual([
      ['deepspeed', 'deepspeed', 'zero_optimization'],
      ['fsdp', 'fsdp_config', 'version'],
    ]);
  });

  test('Accelerate names its DeepSpeed file', () => {
    const text = 'deepspeed_config:\n  deepspeed_config_file: ds.json\n  zero3_init_flag: true\n';
    expect(linked(config('accelerate', '/w/a.yaml', text))).toEqual([
      ['deepspeed_config.deepspeed_config_file', 'ds.json', 'deepspeed'],
    ]);
  });

  test('shardlens.json names what it joins', () => {
    const text = `{ "model": "./m", "targets": { "c": { "hardware": "cluster.json" }, "d": { "hardware": "p4d.24xlarge" } },
      "files": { "train.yaml": { "with": ["accelerate.yaml"], "model": "org/name" } } }`;
    expect(linked(config('shardlens', '/w/shardlens.json', text))).toEqual([
      ['model', '"./m"', 'model'],
      ['files.train.yaml.with', '"accelerate.yaml"', 'accelerate'],
      ['targets.c.hardware', '"cluster.json"', 'cluster'],
    ]);
  });

  test('every dialect is found by its id', () => {
    for (const each of dialects) expect(dialect(each.id)).toBe(each);
  });
});

describe('a text that could not be read', () => {
  const lines = 'output_dir: out\nnum_train_epochs: 1\nlogging_steps: 5\nsave_strategy: steps\n';

  test('is taken for what its lines begin with', () => {
    expect(recognise(parseSource('/w/recipe.yaml', `${lines}bad: [1, 2\n}: x\n`))?.dialect).toBe('trainer');
    // Read up to the break, or with lines left out: what was read alone would not be enough.
    for (const text of [
      'output_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 4\n\tbf16: true\nlearning_rate: 1.0e-5\n',
      'output_dir: out\nper_device_train_batch_size:\t1\n\tgradient_accumulation_steps: 4\nlogging_steps: 5\n',
      `a: : b\n${lines}`,
      `  a: 1\n${lines}`,
    ]) {
      expect(recognise(parseSource('/w/recipe.yaml', text))?.dialect, text).toBe('trainer');
    }
  });

  test('is left alone where aliases that name nothing make it a template', () => {
    expect(recognise(parseSource('/w/recipe.yaml', `${lines}hub_model_id: *base*version\n`))).toBeUndefined();
  });
});
