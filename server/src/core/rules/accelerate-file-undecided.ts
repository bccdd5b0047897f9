import type { FileEdit } from '../findings';
import { basename, dirname, relativeTo } from '../paths';
import type { Config, Path } from '../source';
import { insertEntry } from '../syntax/editing';
import { lookup, type MappingNode } from '../syntax/node';
import { rule } from './rule';

const TRAIN =
  'output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\ngradient_accumulation_steps: 1\nbf16: true\n';
const ACCELERATE = (processes: number) =>
  `compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: ${processes}\nmixed_precision: bf16\n`;

/** Says which Accelerate files could start this run when no launch line tells, and lets the user choose one. */
export const accelerateFileUndecided = rule({
  id: 'accelerate-file-undecided',
  severity: 'information',
  applies: ['trainer', 'deepspeed'],
  why: 'Sharding, world size and precision may stand in the Accelerate file. Where several lie in the folder and no launch line names one, taking the wrong one would make every number wrong, so none is taken.',
  source: ['Shardlens server/src/core/run/links.ts'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': TRAIN,
          'one.yaml': ACCELERATE(4),
          'two.yaml': ACCELERATE(8),
          'shardlens.json': '{\n  "model": "meta-llama/Meta-Llama-3-8B"\n}\n',
        },
      },
      {
        files: {
          'train.yaml': TRAIN,
          'one.yaml': ACCELERATE(4),
          'two.yaml': ACCELERATE(8),
          'shardlens.json': '{ "files": { "other.yaml": { "sequenceLength": 512 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml': TRAIN,
          'one.yaml': ACCELERATE(4),
          'two.yaml': ACCELERATE(8),
          'shardlens.json': '{ "files": { "train.yaml": { "with": ["one.yaml"] } } }',
        },
      },
      { files: { 'train.yaml': TRAIN, 'one.yaml': ACCELERATE(4) } },
    ],
  },
  check({ config, run, report }) {
    const undecided = run.undecided ?? [];
    const first = config.root.entries[0];
    if (config.at !== '' || undecided.length < 2 || !first) return;
    const names = undecided.map(basename);
    const listed = `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
    const { shardlens } = run.configs;
    report({
      at: { start: first.keyNode.start, end: first.keyNode.end },
      message: `${listed} could each start this run, so what they say about GPUs and sharding is not counted. Name one with "with" in shardlens.json, or in a launch script beside them.`,
      fixes: shardlens
        ? undecided.map((path) => ({
            title: `Join ${basename(path)} in shardlens.json`,
            edits: joined(shardlens, config.file.path, path),
          }))
        : [],
    });
  },
});

/** The edit of shardlens.json that says `"files": { "<this file>": { "with": ["<that file>"] } }`. */
function joined(settings: Config, own: Path, other: Path): FileEdit[] {
  const folder = dirname(settings.file.path);
  const companion = [relativeTo(folder, other)];
  const name = relativeTo(folder, own);
  const files = mappingAt(settings.root, 'files');
  if (!files) return insertEntry(settings.file, settings.root, 'files', { [name]: { with: companion } });
  const mine = mappingAt(files, name);
  return mine
    ? insertEntry(settings.file, mine, 'with', companion)
    : insertEntry(settings.file, files, name, { with: companion });
}

function mappingAt(mapping: MappingNode, key: string): MappingNode | undefined {
  const value = lookup(mapping, key)?.value;
  return value?.kind === 'mapping' ? value : undefined;
}
