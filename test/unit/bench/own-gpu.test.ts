import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadCatalogs } from '../../../server/src/data/index';
import { configsOf } from '../../bench/accuracy/configs.mjs';
import { OWN_SOURCE, type OwnPoint, ownLines, ownPoints } from '../../bench/accuracy/own.mjs';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const GIB = 2 ** 30;
const catalogs = loadCatalogs();

/**
 * A record of the shape that test/calibration writes. It was made up for this test: no GPU measured it. Its allocated peak is what
 * `calibrate.py --device fake` counts of this run on pretended tensors, so a prediction of it can be right or wrong.
 */
const RECORD = {
  id: 'llama3-1b-ckpt',
  source: 'test/calibration@fixture',
  date: '2026-11-21',
  device: 'cuda',
  framework: 'HF transformers',
  gpu: 'NVIDIA H200',
  environment: {
    host: { cpus: 16, memory_bytes: 128 * GIB },
    versions: { python: '3.12.3', torch: '2.11.0+cu130', transformers: '5.17.0', 'flash-attn': '2.8.0' },
  },
  outcome: 'measured',
  kind: 'run',
  completeness: 'A',
  model: {
    name: 'llama3-1b',
    config: {
      model_type: 'llama',
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      vocab_size: 128256,
      tie_word_embeddings: true,
      architectures: ['LlamaForCausalLM'],
    },
  },
  gpus: 1,
  pretended_ranks: false,
  strategy: { sharding: 'single', zero: null },
  precision: 'bf16',
  micro_batch: 2,
  grad_accum: 1,
  seq_len: 2048,
  activation_checkpointing: 'full',
  offload: null,
  other: { attention: 'sdpa', optimizer: 'adamw_torch_fused' },
  measured: { peak_mem_gib_per_gpu: 13.0896, peak_reserved_gib_per_gpu: 15, peak_mem_nvml_gib: 15.6, step_s: 0.1 },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'shardlens-own-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(...records: readonly object[]): ReturnType<typeof ownPoints> {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  writeFileSync(path.join(folder, 'fixture.jsonl'), lines.join(''));
  return ownPoints(folder);
}

function only(...records: readonly object[]): OwnPoint {
  const [point, ...more] = read(...records).points;
  if (point === undefined || more.length > 0) throw new Error('one point was expected');
  return point;
}

function estimated(point: OwnPoint) {
  const { files, main } = configsOf(point);
  const analysis = analyze(parseSource(`${ROOT}/${main}`, files[main] ?? ''), {
    workspace: memoryWorkspace(files),
    catalogs,
  });
  const { run } = analysis;
  return { run, estimate: analysis.estimate() };
}

describe('records of our own GPU, as points of the accuracy benchmark', () => {
  it('change nothing where there are none', () => {
    expect(ownPoints(folder)).toEqual({ points: [], leftOut: [] });
    expect(ownPoints(path.join(folder, 'missing'))).toEqual({ points: [], leftOut: [] });
    expect(ownLines([], [])).toEqual([]);
  });

  it('are predicted from files that a user could have written', () => {
    const point = only(RECORD);
    expect(point).toMatchObject({ id: 'fixture/llama3-1b-ckpt', source: OWN_SOURCE, nodes: 1, gpusPerNode: 1 });
    expect(point.frameworks).toEqual({ torch: '2.11.0', transformers: '5.17.0' });
    expect(point.measured.memory.map(({ kind }) => kind)).toEqual(['allocated', 'reserved', 'driver']);
    expect(point.measured.seconds).toBe(0.1);
    const { run, estimate } = estimated(point);
    expect(run?.cluster.known && run.cluster.value.accelerator.id).toBe('nvidia-h200-sxm-141gb');
    expect((estimate?.memory?.allocated ?? 0) / GIB).toBeCloseTo(13.09, 1);
    expect(estimate?.step?.seconds).toBeGreaterThan(0);
  });

  it('say of pretended ranks only what those can show', () => {
    const point = only({
      ...RECORD,
      gpus: 16,
      pretended_ranks: true,
      strategy: { sharding: 'fsdp', zero: null },
      precision: 'bf16-autocast',
      other: { ...RECORD.other, replicate: 2 },
    });
    expect(point).toMatchObject({ nodes: 2, gpusPerNode: 8 });
    expect(point.measured.memory.map(({ kind }) => kind)).toEqual(['allocated', 'reserved']);
    expect(point.measured.seconds).toBeUndefined();
    const { run } = estimated(point);
    expect(run?.parallelism.shard).toMatchObject({ known: true, value: 8 });
  });

  it('are left out, with the reason, where they measured no run', () => {
    const { points, leftOut } = read(
      { ...RECORD, id: 'a', device: 'fake' },
      { ...RECORD, id: 'b', kind: 'component' },
      { ...RECORD, id: 'c', outcome: 'skipped', notes: 'peft is not installed' },
      { ...RECORD, id: 'd', outcome: 'out of memory' },
      { ...RECORD, id: 'e', outcome: 'out of memory' },
    );
    expect(points).toEqual([]);
    expect(leftOut.map(({ why, ids }) => [why, ids.length])).toEqual([
      ['a dry run without a GPU, not a measurement', 1],
      ['one kernel or link, not a run', 1],
      ['not run: peft is not installed', 1],
      ['out of memory, so nothing was measured in full', 2],
    ]);
  });

  it('take the last record of a point that was tried again', () => {
    expect(only({ ...RECORD, outcome: 'crashed' }, RECORD).measured.seconds).toBe(0.1);
  });

  it('are held against their own target in the report', () => {
    const point = only(RECORD);
    const row = { point, kind: 'allocated', error: -0.013 };
    expect(ownLines([row], []).join('\n')).toContain('NVIDIA H200');
    expect(ownLines([row], []).join('\n')).toContain('The target is 2.0 % in the median: reached.');
    expect(ownLines([{ ...row, error: 0.03 }], []).join('\n')).toContain('not reached');
  });
});
