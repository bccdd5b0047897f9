import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { fsdp, join, source, told, trainer, zero } from './joining';

const catalogs = loadCatalogs();
const TRAIN = trainer(
  'per_device_train_batch_size: 1\nbf16: true\nmodel_name_or_path: meta-llama/Llama-3.1-8B\ndataset_name: trl-lib/Capybara\npacking: false\nmax_length: 1024\n',
);

function findings(files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('it cannot be read');
  return analyze(file, { workspace, catalogs }).findings();
}

const started = (line: string, more = '') => join({ 'train.yaml': TRAIN + more, 'run.sh': line });

describe('the Accelerate file that TRL brings along by name', () => {
  it.each([
    ['zero1', 1],
    ['zero2', 2],
    ['zero3', 3],
  ])('shards as %s says', (name, stage) => {
    const flagged = started(`trl sft --config train.yaml --accelerate_config ${name} --num_processes 4`);
    expect([told(zero(flagged).stage), told(flagged.run.worldSize)]).toEqual([stage, 4]);
    const written = started('trl sft --config train.yaml', `accelerate_config: ${name}\nnum_processes: 2\n`);
    expect([told(zero(written).stage), told(written.run.worldSize)]).toEqual([stage, 2]);
  });

  it('knows both FSDP files, and how many processes it starts', () => {
    for (const version of [1, 2]) {
      const joined = started(`trl sft --config train.yaml --accelerate_config fsdp${version}`);
      expect([told(fsdp(joined).version), told(joined.run.worldSize)]).toEqual([version, 8]);
      expect([told(fsdp(joined).wrap), told(fsdp(joined).strategy)]).toEqual(['TRANSFORMER_BASED_WRAP', 'FULL_SHARD']);
    }
  });

  it('is read without a launch line too, and not where another launcher starts the file', () => {
    const more = 'accelerate_config: zero3\nnum_processes: 8\n';
    const alone = join({ 'train.yaml': TRAIN + more });
    expect([told(zero(alone).stage), told(alone.run.worldSize)]).toEqual([3, 8]);
    const other = started('torchrun --nproc_per_node 4 train.py --config train.yaml', more).run;
    expect([other.sharding.known && other.sharding.value.kind, told(other.worldSize)]).toEqual(['ddp', 4]);
  });

  it('leaves how a run is sharded open where the name is of a file of the user', () => {
    const { sharding } = started('trl sft --config train.yaml --accelerate_config mine --num_processes 4').run;
    expect(told(sharding)).toBe('unknown: --accelerate_config names mine, which is not read');
  });

  it('makes no key of it an unknown one', () => {
    const more = 'accelerate_config: zero3\nnum_processes: 8\n';
    for (const script of ['trl sft --config train.yaml\n', '']) {
      const rules = findings({ 'train.yaml': TRAIN + more, 'run.sh': script }).map(({ rule }) => rule);
      expect(rules).not.toContain('unknown-key-rejected');
    }
  });
});

describe('a launch line of Accelerate that names no file', () => {
  const box = '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } }, "sequenceLength": 2048 }';
  const memoryOf = (line: string) =>
    findings({ 'train.yaml': TRAIN, 'run.sh': line, 'shardlens.json': box })
      .filter(({ rule }) => rule === 'memory-does-not-fit')
      .map(({ severity }) => severity);

  it.each([
    'accelerate launch --num_processes 8 train.py --config train.yaml',
    'trl sft --config train.yaml --num_processes 8',
  ])('leaves the sharding to a default_config.yaml that is not here: %s', (line) => {
    expect(source(started(line).run.sharding)).toContain('default_config.yaml where it runs could shard the run');
    expect(memoryOf(line)).toEqual([]);
  });

  it('replicates where it says so', () => {
    expect(memoryOf('accelerate launch --multi_gpu --num_processes 8 train.py --config train.yaml')).toHaveLength(1);
    expect(memoryOf('torchrun --nproc_per_node 8 train.py --config train.yaml')).toHaveLength(1);
    expect(memoryOf('trl sft --config train.yaml --accelerate_config multi_gpu')).toHaveLength(1);
  });
});
