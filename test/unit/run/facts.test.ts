import { describe, expect, it } from 'vitest';
import type { Overrides } from '../../../server/src/core/analysis';
import { ACCELERATE, fsdp, join, source, told, trainer } from './joining';

const ZERO2 = '"zero_optimization": { "stage": 2 }';
const BOX = '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }';

describe('the batch', () => {
  it.each([
    [`{ "train_micro_batch_size_per_gpu": 2, "gradient_accumulation_steps": 4, ${ZERO2} }`, [2, 4, 128]],
    [`{ "train_batch_size": 128, "gradient_accumulation_steps": 4, ${ZERO2} }`, [2, 4, 128]],
    [`{ "train_batch_size": 128, "train_micro_batch_size_per_gpu": 2, ${ZERO2} }`, [2, 4, 128]],
    [`{ "train_batch_size": 64, ${ZERO2} }`, [4, 1, 64]],
    [`{ "train_micro_batch_size_per_gpu": 2, ${ZERO2} }`, [2, 1, 32]],
  ])('is completed: %s', (ds, expected) => {
    const { batch } = join({ 'ds.json': ds, 'shardlens.json': BOX }).run;
    expect([batch.micro, batch.accumulation, batch.global].map(told)).toEqual(expected);
  });

  it('gives the number of ranks where nothing else does', () => {
    const ds = `{ "train_batch_size": 48, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2, ${ZERO2} }`;
    const { run } = join({ 'ds.json': ds });
    expect(told(run.worldSize)).toBe(6);
    expect(source(run.worldSize)).toBe('48 ÷ (4 × 2)');
    expect(told(join({ 'ds.json': ds, 'shardlens.json': BOX }).run.worldSize)).toBe(16);
  });

  it('disagrees where the Trainer file and the DeepSpeed file do', () => {
    const { disagreements } = join({
      'ds.json': `{ "train_micro_batch_size_per_gpu": 4, ${ZERO2} }`,
      'train.yaml': trainer('deepspeed: ds.json\nper_device_train_batch_size: 2\n'),
    }).run;
    expect(disagreements.map(({ fact, taken, other }) => [fact, told(taken), told(other)])).toEqual([
      ['micro-batch size per GPU', 2, 4],
    ]);
  });

  it('takes no default where something is written that is no number to PyYAML', () => {
    const { batch } = join({ 'train.yaml': trainer('per_device_train_batch_size: 1e1\n') }).run;
    expect(told(batch.micro)).toMatch(/^unknown/);
  });
});

describe('the model', () => {
  const named = (overrides: Overrides, text = 'model_name_or_path: meta-llama/Meta-Llama-3-8B\n') => {
    const { run, notes } = join({ 'train.yaml': trainer(text) }, overrides);
    const differ = run.disagreements.map(({ taken, other }) => [
      told(taken),
      source(taken),
      told(other),
      source(other),
    ]);
    return {
      name: run.model.known ? run.model.value.name : run.model.why,
      differ,
      notes: notes.map(({ kind }) => kind),
    };
  };

  it('comes from a flag before the file, which is said', () => {
    expect(named({ model: 'Qwen/Qwen2.5-7B', from: 'flag' })).toEqual({
      name: 'Qwen/Qwen2.5-7B',
      differ: [['Qwen/Qwen2.5-7B', '--model', 'meta-llama/Meta-Llama-3-8B', 'train.yaml model_name_or_path']],
      notes: [],
    });
    expect(named({ model: 'meta-llama/meta-llama-3-8b', from: 'flag' }).differ).toEqual([]);
  });

  it('comes from the file before a pick in the editor, which counts for all files', () => {
    expect(named({ model: 'Qwen/Qwen2.5-7B', from: 'editor' }).name).toBe('meta-llama/Meta-Llama-3-8B');
  });

  it('is unknown where a flag names none, whatever the file says', () => {
    const lost = named({ model: 'no/such', from: 'flag' });
    expect(lost.name).toContain('no/such is no model');
    expect(lost.notes).toEqual(['unknown-model']);
    expect(named({ model: 'no/such', from: 'editor' })).toMatchObject({
      name: 'meta-llama/Meta-Llama-3-8B',
      notes: ['unknown-model'],
    });
  });
});

describe('the sequence length', () => {
  it('comes from a flag, then the file, then shardlens.json, then TRL', () => {
    const settings = { 'shardlens.json': '{ "sequenceLength": 512, "meanSequenceLength": 75 }' };
    const sft = trainer('packing: false\n');
    const length = (text: string, seq?: number, more = {}) =>
      told(
        join({ 'train.yaml': text, ...more }, seq ? { sequenceLength: seq, from: 'flag' } : { from: 'flag' }).run.batch
          .sequenceLength,
      );
    expect(length(`${sft}max_length: 2048\n`, 4096, settings)).toBe(4096);
    expect(length(`${sft}max_length: 2048\n`, undefined, settings)).toBe(2048);
    expect(length(sft, 4096, settings)).toBe(4096);
    expect(length(sft, undefined, settings)).toBe(512);
    expect(length(sft)).toBe(1024);
    expect(length(trainer(''))).toMatch(/^unknown/);
    expect(length(`${sft}max_length: null\n`)).toMatch(/not cut/);
    expect(told(join({ 'train.yaml': sft, ...settings }).run.batch.meanSequenceLength)).toBe(75);
  });

  it('is also the mean where samples are packed', () => {
    const { batch } = join({ 'train.yaml': trainer('packing: true\nmax_length: 4096\n') }).run;
    expect(told(batch.meanSequenceLength)).toBe(4096);
  });
});

describe('the place', () => {
  it("goes by the project's own target where what was picked in the editor is none of it, and says so", () => {
    const picked = join({ 'train.yaml': trainer(''), 'shardlens.json': BOX }, { from: 'editor', target: 'elsewhere' });
    expect([picked.run.nodes, picked.run.gpusPerNode].map(told)).toEqual([2, 8]);
    expect(picked.notes.map(({ kind }) => kind)).toContain('unknown-target');
    const flag = join({ 'train.yaml': trainer(''), 'shardlens.json': BOX }, { from: 'flag', target: 'elsewhere' });
    expect(told(flag.run.nodes)).not.toBe(2);
  });

  it('prefers flags, then the target, then launch lines, then the Accelerate file', () => {
    const set = {
      'train.yaml': trainer(''),
      'a.yaml': `${ACCELERATE}num_processes: 4\n`,
      'run.sh': 'accelerate launch --config_file a.yaml --num_processes 2 train.py train.yaml',
    };
    expect(told(join(set).run.worldSize)).toBe(2);
    const target = join({ ...set, 'shardlens.json': BOX }).run;
    expect([target.nodes, target.gpusPerNode, target.worldSize].map(told)).toEqual([2, 8, 16]);
    expect(target.disagreements.map(({ other }) => told(other))).toEqual([2]);
    const flags = join({ ...set, 'shardlens.json': BOX }, { nodes: 1, gpusPerNode: 4, from: 'flag' }).run;
    expect(told(flags.worldSize)).toBe(4);
    expect(source(flags.nodes)).toBe('--nodes');
    expect(told(flags.cluster)).toMatchObject({ nodes: 1, gpusPerNode: 4 });
  });

  it('does not know a size about which launch lines differ', () => {
    const { run } = join({
      'train.yaml': trainer(''),
      'a.sh': 'torchrun --nproc_per_node 4 train.py train.yaml',
      'b.sh': 'torchrun --nproc_per_node 8 train.py train.yaml',
    });
    expect(told(run.worldSize)).toBe('unknown: one launch line says 4 and another 8');
  });

  it('takes all GPUs of one node where only hardware is named', () => {
    const { run } = join({ 'train.yaml': trainer('') }, { hardware: 'p4d.24xlarge', from: 'flag' });
    expect([run.nodes, run.gpusPerNode, run.worldSize].map(told)).toEqual([1, 8, 8]);
  });

  it('spreads processes over nodes of the hardware', () => {
    const place = (launch: string) => {
      const { run } = join({ 'train.yaml': trainer(''), 'run.sh': launch }, { hardware: 'p4d.24xlarge', from: 'flag' });
      return [run.nodes, run.gpusPerNode, run.worldSize].map(told);
    };
    expect(place('accelerate launch --num_processes 4 train.py train.yaml')).toEqual([1, 4, 4]);
    expect(place('accelerate launch --num_processes 16 --num_machines $N train.py train.yaml')).toEqual([2, 8, 16]);
  });

  it('is what shardlens.json says of the file that has the arguments, unless it names the other one', () => {
    const settings = (files: string) =>
      `{ "target": "a", "targets": { "a": { "hardware": "g5.12xlarge", "gpusPerNode": 4 }, "b": { "hardware": "p5.48xlarge", "gpusPerNode": 8 }, "c": { "hardware": "p4d.24xlarge", "gpusPerNode": 2 } }, "files": ${files} }`;
    const gpus = (files: string) =>
      told(
        join({
          'ds.json': '{ "zero_optimization": { "stage": 3 } }',
          'train.yaml': trainer('deepspeed: ds.json\n'),
          'shardlens.json': settings(files),
        }).run.gpusPerNode,
      );
    expect(gpus('{}')).toBe(4);
    expect(gpus('{ "train.yaml": { "target": "b" } }')).toBe(8);
    expect(gpus('{ "*": { "target": "c" }, "train.yaml": { "target": "b" } }')).toBe(8);
    expect(gpus('{ "ds.json": { "target": "c" }, "train.yaml": { "target": "b" } }')).toBe(2);
    expect(gpus('{ "other.yaml": { "target": "b" } }')).toBe(4);
  });

  it('reads a cluster description beside shardlens.json, sizes included', () => {
    const { run, dependencies } = join({
      'train.yaml': trainer(''),
      'run.sh': 'torchrun --nproc_per_node 8 train.py train.yaml',
      'shardlens.json': '{ "target": "pods", "targets": { "pods": { "hardware": "clusters/pods.json" } } }',
      'clusters/pods.json': '{ "instance": "p4d.24xlarge", "nodes": 4, "gpusPerNode": 1 }',
    });
    expect([run.nodes, run.gpusPerNode, run.worldSize].map(told)).toEqual([4, 1, 4]);
    expect([...dependencies]).toContain('/workspace/clusters/pods.json');
  });

  it('counts what accelerate launch starts, not what it drops', () => {
    const world = (sizes: string) =>
      told(join({ 'a.yaml': `${ACCELERATE.replace('num_machines: 1\n', '')}${sizes}` }).run.worldSize);
    expect(world('num_processes: 4\nnum_machines: 3\n')).toBe(3);
    expect(world('num_processes: 16\nnum_machines: 64\n')).toMatch(/^unknown/);
  });

  it.each([
    [{ target: 'nowhere' }, 'unknown-target', 'there is box'],
    [{ hardware: 'p4d.24xlrge' }, 'unknown-hardware', 'p4d.24xlarge'],
    [{ model: 'meta-llama/Meta-Lama-3-8B' }, 'unknown-model', 'meta-llama/Meta-Llama-3-8B'],
  ])('says that %o is not known, with the nearest names', (given, kind, hint) => {
    const { notes } = join({ 'train.yaml': trainer(''), 'shardlens.json': BOX }, { ...given, from: 'flag' });
    expect(notes).toMatchObject([{ kind, message: expect.stringContaining(hint) }]);
  });
});

describe('shardlens.json', () => {
  it('applies globs in order, later ones winning, and passes rule levels on', () => {
    const settings =
      '{ // comments are fine\n "sequenceLength": 1, "rules": { "a": "off" }, "files": { "**/*.yaml": { "sequenceLength": 2, "rules": { "b": "hint" } }, "70b/**": { "sequenceLength": 3 }, "other/**": { "sequenceLength": 4 } }, }';
    const joined = join({ '70b/train.yaml': trainer(''), 'shardlens.json': settings });
    expect(told(joined.run.batch.sequenceLength)).toBe(3);
    expect(joined.levels).toEqual({ a: 'off', b: 'hint' });
  });

  it('is the nearest one above the file, or the one named', () => {
    const set = {
      'a/train.yaml': trainer(''),
      'a/shardlens.json': '{ "sequenceLength": 1 }',
      'shardlens.json': '{ "sequenceLength": 2 }',
    };
    expect(told(join(set).run.batch.sequenceLength)).toBe(1);
    const named = join(set, { settingsPath: '/workspace/shardlens.json', from: 'flag' });
    expect(told(named.run.batch.sequenceLength)).toBe(2);
    expect(join(set, { settingsPath: '/workspace/no.json', from: 'flag' }).notes).toMatchObject([
      { kind: 'unreadable-file' },
    ]);
  });

  it.each(['', '[]', '{ "targets": 3, "files": { "*": 1 }, "rules": [], "with": {} }', '{ "target": '])(
    'survives %j',
    (text) => {
      expect(() => join({ 'train.yaml': trainer(''), 'shardlens.json': text })).not.toThrow();
    },
  );

  it('has own models and hardware', () => {
    const config =
      '{ "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100 }';
    const { run } = join({
      'train.yaml': trainer(''),
      'shardlens.json': `{ "model": "mine", "models": { "mine": ${config} }, "target": "t", "targets": { "t": { "hardware": "box" } }, "hardware": { "box": { "instance": "p4d.24xlarge", "gpusPerNode": 2 } } }`,
    });
    expect(told(run.model)).toMatchObject({ hiddenSize: 64 });
    expect(told(run.gpusPerNode)).toBe(2);
  });
});

describe('precision and loading', () => {
  it('is autocast over the loaded dtype without DeepSpeed, pure with it', () => {
    const plain = join({ 'train.yaml': trainer('bf16: true\ntorch_dtype: float16\n') }).run.precision;
    expect([plain.compute, plain.weights, plain.mode].map(told)).toEqual(['bf16', 'fp16', 'autocast']);
    const ds = join({
      'train.yaml': trainer('bf16: true\ndeepspeed: ds.json\n'),
      'ds.json': `{ "bf16": { "enabled": true }, ${ZERO2} }`,
    }).run.precision;
    expect([ds.compute, ds.weights, ds.mode].map(told)).toEqual(['bf16', 'bf16', 'pure']);
  });

  it('loads the checkpoint’s dtype from transformers 5 on, float32 before, and says when that is assumed', () => {
    const weights = (version: string) =>
      join({
        'train.yaml': trainer('model_name_or_path: meta-llama/Meta-Llama-3-8B\nbf16: true\n'),
        'requirements.txt': version,
      }).run.precision.weights;
    expect(told(weights('transformers==5.1.0'))).toBe('bf16');
    expect(told(weights('transformers==4.57.6'))).toBe('fp32');
    expect(weights('transformers>=4.50')).toMatchObject({ value: 'bf16', origin: { kind: 'assumed' } });
  });

  it('has TRL’s defaults for a TRL file', () => {
    const { run } = join({ 'train.yaml': trainer('packing: true\n') });
    expect([run.precision.compute, run.checkpointing, run.method].map(told)).toEqual(['bf16', 'full', 'sft']);
    expect(told(join({ 'train.yaml': trainer('') }).run.checkpointing)).toBe('none');
  });
});

describe('versions', () => {
  it.each([
    ['requirements.txt', 'torch\ntransformers==5.2.0  # pinned\n', '5.2.0'],
    ['requirements-train.txt', 'transformers[torch]==5.2.0\n', '5.2.0'],
    ['pyproject.toml', '[project]\ndependencies = ["transformers==5.2.0", "torch>=2"]\n', '5.2.0'],
    ['uv.lock', '[[package]]\nname = "transformers"\nversion = "5.2.0"\n', '5.2.0'],
    ['poetry.lock', '[[package]]\nname = "transformers"\nversion = "5.2.0"\ndescription = ""\n', '5.2.0'],
    ['pdm.lock', '[[package]]\nname = "transformers"\nversion = "5.2.0"\n', '5.2.0'],
    [
      'Pipfile.lock',
      '{ "default": { "transformers": { "hashes": ["sha256:0"], "index": "pypi", "version": "==5.2.0" } } }',
      '5.2.0',
    ],
    ['Pipfile', '[packages]\ntransformers = "==5.2.0"\n', '5.2.0'],
    ['pyproject.toml', '[tool.poetry.dependencies]\ntransformers = "5.2.0"\n', '5.2.0'],
    ['pyproject.toml', '[tool.poetry.dependencies]\ntransformers = {version = "5.2.0", extras = ["torch"]}\n', '5.2.0'],
    [
      'pyproject.toml',
      '[tool.poetry.dependencies]\ntransformers = "^5.2.0"\n',
      'unknown: only a range of transformers versions is given',
    ],
    ['constraints.txt', 'transformers==5.2.0\n', '5.2.0'],
    ['setup.cfg', '[options]\ninstall_requires =\n    torch\n    transformers==5.2.0\n', '5.2.0'],
    ['setup.py', "setup(install_requires=['transformers==5.2.0'])\n", '5.2.0'],
    ['environment.yml', 'dependencies:\n  - python=3.11\n  - pip:\n      - transformers==5.2.0\n', '5.2.0'],
    ['environment.yml', 'dependencies:\n  - conda-forge::transformers=5.2.0=pyhd8ed1ab_0\n', '5.2.0'],
    [
      'environment.yml',
      'dependencies:\n  - transformers=5.2\n',
      'unknown: only a range of transformers versions is given',
    ],
    ['Dockerfile', 'FROM python:3.11\nRUN pip install torch \\\n    "transformers==5.2.0"\n', '5.2.0'],
    ['install.sh', 'pip install transformers==5.2.0 accelerate\n', '5.2.0'],
    ['Dockerfile', '# pip install transformers==4.0.0\nRUN pip install -r requirements.txt\n', undefined],
    [
      'requirements.txt',
      'transformers==5.2.0; python_version >= "3.10"\ntransformers==4.57.6; python_version < "3.10"\n',
      'unknown: requirements.txt names several versions of transformers',
    ],
    ['requirements.txt', 'transformers>=5.0,<6\n', 'unknown: only a range of transformers versions is given'],
    ['requirements.txt', 'transformers==5.*\n', 'unknown: only a range of transformers versions is given'],
    ['requirements.txt', 'sentence-transformers==3.0.0\n', undefined],
  ])('%s %j: %s', (name, text, expected) => {
    expect(told(join({ 'train.yaml': trainer(''), [name]: text }).run.frameworks.transformers)).toBe(expected);
  });

  it('believes the lock file before the range beside it, and the nearest folder before the one above', () => {
    const { frameworks } = join({
      'a/train.yaml': trainer(''),
      'a/requirements.txt': 'transformers>=4\n',
      'a/uv.lock': '[[package]]\nname = "transformers"\nversion = "5.2.0"\n',
      'requirements.txt': 'transformers==4.57.6\n',
    }).run;
    expect(told(frameworks.transformers)).toBe('5.2.0');
  });

  it('lets shardlens.json win', () => {
    const { frameworks } = join({
      'train.yaml': trainer(''),
      'requirements.txt': 'transformers==5.2.0',
      'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
    }).run;
    expect(told(frameworks.transformers)).toBe('4.57.6');
  });
});

describe('FSDP', () => {
  const accelerate = (section: string) =>
    fsdp(
      join({
        'a.yaml': `compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 8\nfsdp_config:\n${section}`,
      }),
    );

  it('is version 1 for Accelerate and version 2 for the Trainer where nothing says', () => {
    expect(told(accelerate('  fsdp_offload_params: false\n').version)).toBe(1);
    const own = fsdp(
      join({ 'train.yaml': trainer('fsdp: true\nfsdp_config:\n  transformer_layer_cls_to_wrap: LlamaDecoderLayer\n') }),
    );
    expect(told(own.version)).toBe(2);
    expect(told(own.wrapClasses)).toEqual(['LlamaDecoderLayer']);
    expect(told(own.wrap)).toBe('TRANSFORMER_BASED_WRAP');
  });

  it.each([
    ['  fsdp_sharding_strategy: 2\n', 'SHARD_GRAD_OP'],
    ['  fsdp_sharding_strategy: HYBRID_SHARD\n', 'HYBRID_SHARD'],
    ['  fsdp_version: 2\n  fsdp_reshard_after_forward: false\n', 'SHARD_GRAD_OP'],
    ['  fsdp_reshard_after_forward: SHARD_GRAD_OP\n', 'FULL_SHARD'],
    ['  fsdp_version: 2\n', 'FULL_SHARD'],
  ])('%j shards as %s', (section, expected) => {
    expect(told(accelerate(section).strategy)).toBe(expected);
  });

  it('reads the words of the Trainer’s fsdp', () => {
    const sharding = fsdp(join({ 'train.yaml': trainer('fsdp: "shard_grad_op auto_wrap offload"\n') }));
    expect([sharding.strategy, sharding.offloadParams].map(told)).toEqual(['SHARD_GRAD_OP', true]);
  });

  it('shards inside a node under HYBRID_SHARD', () => {
    const { run } = join({
      'a.yaml':
        'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 16\nnum_machines: 2\nfsdp_config:\n  fsdp_sharding_strategy: HYBRID_SHARD\n',
    });
    expect([run.parallelism.data, run.parallelism.shard].map(told)).toEqual([16, 8]);
  });
});

describe('adapters', () => {
  it('reads LoRA and 4-bit weights of TRL', () => {
    const { run } = join({
      'train.yaml': trainer('use_peft: true\nlora_r: 8\nlora_target_modules: [q_proj, v_proj]\nload_in_4bit: true\n'),
    });
    expect(told(run.quantization)).toBe('nf4');
    expect(run.lora).toMatchObject({ value: { rank: { value: 8 }, targets: { value: ['q_proj', 'v_proj'] } } });
    expect(join({ 'train.yaml': trainer('lora_r: 8\nuse_peft: false\n') }).run.lora).toBeUndefined();
  });
});

it('gives CPU-Adam one thread under torchrun unless the environment says more', () => {
  const threads = (line: string) => told(join({ 'train.yaml': trainer(''), 'run.sh': line }).run.ompThreads);
  expect(threads('torchrun --nproc_per_node 4 train.py train.yaml')).toBe(1);
  expect(threads('export OMP_NUM_THREADS=12\ntorchrun --nproc_per_node 4 train.py train.yaml')).toBe(12);
  expect(threads('deepspeed --num_gpus 4 train.py train.yaml')).toMatch(/^unknown/);
});

describe('the arguments of a launch line', () => {
  it('have TrainingArguments’ defaults only where the script reads TrainingArguments', () => {
    const ds = `{ "train_micro_batch_size_per_gpu": "auto", ${ZERO2} }`;
    const micro = (flags: string) =>
      told(
        join({ 'ds.json': ds, 'run.sh': `deepspeed --num_gpus 2 train.py ${flags} --deepspeed ds.json` }).run.batch
          .micro,
      );
    expect(micro('--output_dir o --bf16 True --save_steps 10')).toBe(8);
    expect(micro('--output_dir o --learning_rate 1e-5 --train_batch_size 4')).toMatch(/^unknown/);
  });

  it('do not take an Accelerate block that another type of launch ignores', () => {
    const { batch } = join({
      'a.yaml': `${ACCELERATE}num_processes: 2\ndeepspeed_config:\n  gradient_accumulation_steps: 4\n`,
    }).run;
    expect(told(batch.accumulation)).toMatch(/^unknown/);
  });
});

it('tells the method by a key, the script or the path, and says when it is only the path', () => {
  const method = (files: Record<string, string>) => join(files).run.method;
  expect(told(method({ 'train.yaml': trainer('num_generations: 8\n') }))).toBe('grpo');
  expect(told(method({ 'train.yaml': trainer(''), 'run.sh': 'torchrun run_dpo.py train.yaml' }))).toBe('dpo');
  expect(method({ 'recipes/dpo/config.yaml': trainer('') })).toMatchObject({
    value: 'dpo',
    origin: { kind: 'assumed' },
  });
  expect(told(method({ 'train.yaml': trainer('') }))).toMatch(/^unknown/);
});
