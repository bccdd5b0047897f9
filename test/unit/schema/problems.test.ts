import { describe, expect, it } from 'vitest';
import { schemaProblems } from '../../../server/src/core/schema/problems';
import type { DialectId } from '../../../server/src/core/source';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadSchema } from '../../../server/src/data/schemas';

function problemsOf(dialect: DialectId, text: string, name = 'ds.json'): string[] {
  const file = parseSource(`/workspace/${name}`, text);
  const { root } = file.tree;
  if (root?.kind !== 'mapping') throw new Error('no mapping');
  return schemaProblems({ dialect, file, root, at: '' }, loadSchema(dialect)).map((problem) => {
    const form = 'form' in problem ? ` ${problem.form}${problem.coerced ? ', coerced' : ''}` : '';
    const path = problem.setting?.path;
    return `${problem.kind} ${problem.kind === 'missing-key' ? problem.key : path}${form}`;
  });
}

const zero = (entries: string) => `{ "train_batch_size": 8, "zero_optimization": { ${entries} } }`;

describe('values DeepSpeed takes', () => {
  it.each([
    '"stage": 3, "reduce_bucket_size": 5e8',
    '"stage": 2, "sub_group_size": 1000000000.0',
    '"stage": 3, "reduce_bucket_size": "auto"',
    '"stage": 3, "offload_optimizer": null',
    '"stage": 3, "stage3_prefetch_bucket_size": 5e7, "stage3_max_live_parameters": 1e9',
    '"stage": 3, "prefetch_bucket_size": 5e7',
  ])('%s', (entries) => {
    expect(problemsOf('deepspeed', zero(entries))).toEqual([]);
  });

  it.each([
    ['"stage": "2"', 'numeric-string, coerced'],
    ['"stage": true', 'boolean-number, coerced'],
    ['"reduce_bucket_size": "500"', 'numeric-string, coerced'],
    ['"overlap_comm": "true"', 'boolean-string, coerced'],
    ['"overlap_comm": 1', 'boolean-number, coerced'],
  ])('%s is turned into the right type', (entry, form) => {
    expect(problemsOf('deepspeed', zero(entry))[0]).toContain(form);
  });
});

describe('values DeepSpeed does not take', () => {
  it.each([
    ['"reduce_bucket_size": "5e8"', 'wrong-type zero_optimization.reduce_bucket_size scientific-string'],
    ['"stage3_prefetch_bucket_size": 15099494.4', 'wrong-type zero_optimization.stage3_prefetch_bucket_size fraction'],
    ['"reduce_bucket_size": -1', 'out-of-range zero_optimization.reduce_bucket_size range'],
    ['"stage": 4', 'unknown-value zero_optimization.stage value'],
    ['"stage": "4"', 'wrong-type zero_optimization.stage numeric-string'],
    ['"overlap_comm": 2', 'wrong-type zero_optimization.overlap_comm other'],
    ['"offload_param": "cpu"', 'wrong-type zero_optimization.offload_param scalar-for-object'],
    ['"offload_param": { "device": "CPU" }', 'unknown-value zero_optimization.offload_param.device value'],
    ['"allgather_bucket_size": "auto"', 'wrong-type zero_optimization.allgather_bucket_size auto'],
    ['"contiguous_gradients": null', 'wrong-type zero_optimization.contiguous_gradients null'],
    ['"overlap_com": true', 'unknown-key zero_optimization.overlap_com'],
  ])('%s', (entry, expected) => {
    expect(problemsOf('deepspeed', zero(entry))).toEqual([expected]);
  });
});

describe('unknown keys', () => {
  it('are found at the top level too, but not where a constructor takes them', () => {
    expect(
      problemsOf(
        'deepspeed',
        '{ "gradient_cliping": 1, "optimizer": { "type": "SGD", "params": { "nesterov": true } } }',
      ),
    ).toEqual(['unknown-key gradient_cliping']);
  });

  it('are no problem when they are notes', () => {
    expect(problemsOf('deepspeed', '{ "_comment": "x", "//": "y", "train_batch_size": 8 }')).toEqual([]);
  });

  it('are found when they hold slashes and dots', () => {
    expect(problemsOf('deepspeed', '{ "a/b": 1, "c~d": 2, "e.f": 3 }')).toEqual([
      'unknown-key a/b',
      'unknown-key c~d',
      'unknown-key e.f',
    ]);
  });
});

describe('other dialects', () => {
  const accelerate = (lines: string) =>
    problemsOf('accelerate', `distributed_type: FSDP\n${lines}\n`, 'accelerate.yaml');

  it('section prefixes may be left out', () => {
    expect(accelerate('fsdp_config:\n  fsdp_version: 2\n  offload_params: true')).toEqual([]);
    expect(problemsOf('fsdp', '{ "fsdp_version": 2, "reshard_after_forward": true, "xla": false }')).toEqual([]);
  });

  it("bare no is PyYAML's false", () => {
    expect(accelerate('mixed_precision: no')).toEqual(['wrong-type mixed_precision yaml-boolean']);
    expect(accelerate('mixed_precision: "no"\ndowncast_bf16: no')).toEqual([]);
  });

  it('case is free where the framework lowers it', () => {
    expect(accelerate('fsdp_config:\n  fsdp_auto_wrap_policy: transformer_based_wrap')).toEqual([]);
    expect(problemsOf('fsdp', '{ "auto_wrap_policy": "transformer_based_wrap" }')).toEqual([
      'unknown-value auto_wrap_policy value',
    ]);
  });

  it('what a template fills proves nothing', () => {
    expect(accelerate('num_processes: {{ gpus }}\nmixed_precision: "{{ precision }}"')).toEqual([]);
  });

  it('a section of another dialect is left to its own config', () => {
    const text = 'output_dir: out\nfsdp_config:\n  nonsense: 1\ndeepspeed:\n  zero_optimization:\n    stage: 9\n';
    expect(problemsOf('trainer', text, 'train.yaml')).toEqual([]);
  });

  it("Accelerate's distributed_type is missed", () => {
    expect(problemsOf('accelerate', 'num_processes: 2\n', 'accelerate.yaml')).toEqual(['missing-key distributed_type']);
  });
});
