import { describe, expect, it } from 'vitest';
import { join, source, told, trainer, zero } from './joining';

const MODEL = 'model_name_or_path: meta-llama/Meta-Llama-3-8B\n';

function withTrainer(ds: string, args: string) {
  return join({ 'ds.json': ds, 'train.yaml': trainer(`deepspeed: ds.json\n${args}`) });
}

describe('"auto"', () => {
  it('becomes what TrainingArguments say, with both places as source', () => {
    const { run } = withTrainer(
      '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "gradient_clipping": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
      'per_device_train_batch_size: 2\ngradient_accumulation_steps: 4\nmax_grad_norm: 0.5\nbf16: true\n',
    );
    expect(told(run.batch.micro)).toBe(2);
    expect(told(run.batch.accumulation)).toBe(4);
    expect(told(run.gradientClipping)).toBe(0.5);
    expect(told(run.precision.compute)).toBe('bf16');
    expect(run.batch.micro.origin).toMatchObject({
      kind: 'derived',
      from: [{ path: '/workspace/ds.json' }, { path: '/workspace/train.yaml', key: 'per_device_train_batch_size' }],
    });
  });

  it('becomes a function of the hidden size in the three bucket keys', () => {
    const ds =
      '{ "zero_optimization": { "stage": 3, "reduce_bucket_size": "auto", "stage3_prefetch_bucket_size": "auto", "stage3_param_persistence_threshold": "auto" } }';
    const sharding = zero(withTrainer(ds, MODEL));
    expect(told(sharding.reduceBucketElements)).toBe(4096 * 4096);
    expect(told(sharding.prefetchBucketElements)).toBe(Math.floor(0.9 * 4096 * 4096));
    expect(told(sharding.persistenceThresholdElements)).toBe(40960);
    const without = zero(withTrainer(ds, ''));
    expect(told(without.reduceBucketElements)).toMatch(/^unknown: .*hidden_size².*names the model/);
  });

  it('is dropped by DeepSpeed alone inside strict sections, and stays text outside', () => {
    const joined = join({
      'ds.json':
        '{ "train_batch_size": "auto", "gradient_clipping": "auto", "zero_optimization": { "stage": 2, "reduce_bucket_size": "auto" } }',
      'shardlens.json': '{ "consumer": "deepspeed" }',
    });
    expect(told(zero(joined).reduceBucketElements)).toBe(500_000_000);
    expect(told(joined.run.gradientClipping)).toMatch(/^unknown: DeepSpeed alone keeps "auto" as text/);
  });

  it('tells who can be reading the file', () => {
    const consumers = (ds: string) => join({ 'ds.json': ds }).run.consumers;
    const stage = '"zero_optimization": { "stage": 2 }';
    expect(consumers(`{ "train_batch_size": 8, ${stage} }`)).toEqual(['trainer', 'accelerate', 'deepspeed']);
    expect(consumers(`{ "train_batch_size": "auto", ${stage} }`)).toEqual(['trainer', 'accelerate']);
    expect(consumers(`{ "optimizer": { "type": "AdamW", "params": { "betas": "auto" } }, ${stage} }`)).toEqual([
      'trainer',
    ]);
  });

  it('says once that nothing tells who fills it', () => {
    const text = '{ "train_batch_size": 8, "gradient_clipping": "auto", "zero_optimization": { "stage": 2 } }';
    const { consumer, gradientClipping } = join({ 'ds.json': text }).run;
    const why = 'unknown: "auto" is filled by the Trainer or by Accelerate, and nothing tells by which';
    expect([consumer, gradientClipping].map(told)).toEqual([why, why]);
  });

  it.each([
    ['accelerate launch --use_deepspeed --deepspeed_config_file ds.json train.py\n', ['accelerate', 'trainer']],
    ['deepspeed train.py --deepspeed_config ds.json\n', ['deepspeed']],
    ['deepspeed train.py --deepspeed ds.json --output_dir out --learning_rate 1e-5 --bf16 true\n', ['trainer']],
  ])('is read by who the launch line starts: %s', (line, expected) => {
    const ds = '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 } }';
    expect(join({ 'ds.json': ds, 'run.sh': line }).run.consumers).toEqual(expected);
  });

  it('is read by who the user says, before what its "auto" values suggest', () => {
    const ds =
      '{ "optimizer": { "type": "AdamW", "params": { "betas": "auto" } }, "zero_optimization": { "stage": 2 } }';
    expect(told(join({ 'ds.json': ds }).run.consumer)).toBe('trainer');
    const { run } = join({ 'ds.json': ds, 'shardlens.json': '{ "consumer": "accelerate" }' });
    expect(told(run.consumer)).toBe('accelerate');
  });

  it('is listed with what it becomes, and where nobody fills it', () => {
    const { run } = withTrainer(
      '{ "steps_per_print": "auto", "train_batch_size": "auto", "optimizer": { "type": "AdamW", "params": { "lr": "auto", "betas": "auto" } }, "zero_optimization": { "stage": 2, "overlap_comm": "auto" } }',
      'adam_beta2: 0.95\n',
    );
    const autos = Object.fromEntries(
      run.autos.map(({ setting, value, unfilled }) => [setting.path, unfilled ? 'unfilled' : told(value)]),
    );
    expect(autos).toEqual({
      steps_per_print: 'unfilled',
      train_batch_size: expect.stringMatching(/^unknown/),
      'optimizer.params.lr': 2e-5,
      'optimizer.params.betas': [0.9, 0.95],
      'zero_optimization.overlap_comm': 'unfilled',
    });
  });

  it('becomes stage 2 and no offload, as Accelerate fills them', () => {
    const sharding = zero(
      withTrainer('{ "zero_optimization": { "stage": "auto", "offload_optimizer": { "device": "auto" } } }', ''),
    );
    expect(told(sharding.stage)).toBe(2);
    expect(told(sharding.offloadOptimizer)).toBe('none');
  });
});

describe('ZeRO as it runs', () => {
  const read = (section: string) =>
    zero(join({ 'ds.json': `{ "train_batch_size": 8, "zero_optimization": ${section} }` }));

  it('has the defaults of DeepSpeed', () => {
    const sharding = read('{ "stage": 3 }');
    expect(told(sharding.overlapComm)).toBe(true);
    expect(told(sharding.subGroupElements)).toBe(1e9);
    expect(source(sharding.subGroupElements)).toBe('default of DeepSpeed 0.19.6');
    expect(told(read('{ "stage": 2 }').overlapComm)).toBe(false);
  });

  it.each([
    ['{ "stage": 2, "offload_param": { "device": "cpu" } }', 'offloadParam', 'none'],
    ['{ "stage": 3, "offload_param": { "device": "cpu" } }', 'offloadParam', 'cpu'],
    ['{ "stage": 2, "offload_optimizer": { "device": "nvme" } }', 'offloadOptimizer', 'cpu'],
    ['{ "stage": 2, "cpu_offload": true }', 'offloadOptimizer', 'cpu'],
    ['{ "stage": "2" }', 'stage', 2],
    ['{ "stage": 2.0 }', 'stage', 2],
    ['{ "stage": true }', 'stage', 1],
    ['{ "stage": 3, "reduce_bucket_size": 5e8 }', 'reduceBucketElements', 5e8],
    ['{ "stage": 3, "reduce_bucket_size": "500" }', 'reduceBucketElements', 500],
    ['{ "stage": 3, "stage3_gather_fp16_weights_on_model_save": true }', 'gatherWeightsOnSave', true],
  ] as const)('%s: %s is %s', (section, key, expected) => {
    expect(told(read(section)[key])).toBe(expected);
  });

  it.each([
    ['{ "stage": 4 }', 'stage'],
    ['{ "stage": "{{stage}}" }', 'stage'],
    ['{ "stage": 3, "reduce_bucket_size": "5e8" }', 'reduceBucketElements'],
  ] as const)('%s: %s is not known', (section, key) => {
    expect(told(read(section)[key])).toMatch(/^unknown/);
  });

  it('comes from the keys of Accelerate without a DeepSpeed file', () => {
    const sharding = zero(
      join({
        'a.yaml':
          'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nmixed_precision: bf16\nnum_processes: 8\ndeepspeed_config:\n  zero_stage: 3\n  offload_optimizer_device: CPU\n  zero3_save_16bit_model: true\n',
      }),
    );
    expect(told(sharding.stage)).toBe(3);
    expect(told(sharding.offloadOptimizer)).toBe('cpu');
    expect(told(sharding.gatherWeightsOnSave)).toBe(true);
    expect(told(sharding.overlapComm)).toBe(true);
  });
});

describe('the optimizer', () => {
  it('is DeepSpeed’s where the file has one, on the CPU under offload', () => {
    const ds = (extra: string) =>
      `{ "train_batch_size": 8, "optimizer": { "type": "AdamW" }, "zero_optimization": { "stage": 2${extra} } }`;
    const plain = join({ 'ds.json': ds('') }).run.optimizer;
    expect([told(plain.name), told(plain.implementation), plain.owner]).toEqual(['adamw', 'fused', 'deepspeed']);
    const offloaded = join({ 'ds.json': ds(', "offload_optimizer": { "device": "cpu" }') }).run.optimizer;
    expect(told(offloaded.implementation)).toBe('cpu');
  });

  it('is replaced by CPU-Adam when the Trainer’s meets offload_optimizer', () => {
    const { optimizer } = withTrainer(
      '{ "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" } } }',
      'optim: paged_adamw_8bit\n',
    ).run;
    expect([told(optimizer.name), told(optimizer.implementation), optimizer.owner]).toEqual([
      'adamw',
      'cpu',
      'deepspeed',
    ]);
  });

  it('is the Trainer’s default by torch version', () => {
    const name = (torch: string) =>
      told(join({ 'train.yaml': trainer(''), 'requirements.txt': torch }).run.optimizer.name);
    expect(name('torch==2.7.1\n')).toBe('adamw_torch');
    expect(name('torch>=2.7\n')).toBe('adamw_torch_fused');
  });
});
