import { accelerateFile, distributedTypeOf, meshOf } from '../rules-support/accelerate-file';
import { removeFix } from '../rules-support/zero';
import { type Setting, scalarOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const SECTIONS = [
  ['fsdp_config', 'FSDP'],
  ['deepspeed_config', 'DEEPSPEED'],
  ['megatron_lm_config', 'MEGATRON_LM'],
] as const;

const TYPES = new Set([
  'NO',
  'MULTI_CPU',
  'MULTI_GPU',
  'MULTI_NPU',
  'MULTI_XPU',
  'MULTI_HPU',
  'DEEPSPEED',
  'FSDP',
  'MEGATRON_LM',
  'XLA',
]);

/** Reports sections that the distributed_type of the file does not read. */
export const sectionOfAnotherType = rule({
  id: 'section-of-another-type',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['distributed_type'],
  why: 'distributed_type decides which engine starts, and only its own section is read. The others are copied onto the launcher and never looked at.',
  source: [
    'accelerate src/accelerate/commands/launch.py:1229 (1.15.0)',
    'accelerate src/accelerate/utils/launch.py:427 (1.15.0) DeepSpeed gets no dynamo settings',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: accelerateFile('num_processes: 8\ndeepspeed_config:\n  zero_stage: 3\n') },
      { files: accelerateFile('num_processes: 8\nfsdp_config:\n  fsdp_version: 2\n', 'DEEPSPEED') },
    ],
    good: [
      { files: accelerateFile('num_processes: 8\ndeepspeed_config:\n  zero_stage: 3\n', 'DEEPSPEED') },
      { files: accelerateFile('num_processes: 8\ndeepspeed_config: {}\n') },
    ],
  },
  check({ config, report }) {
    const type = setting(config, 'distributed_type');
    const word = distributedTypeOf(config);
    if (!type?.node || word === undefined || !TYPES.has(word)) return;
    for (const [name, own] of SECTIONS) {
      const section = setting(config, name);
      if (word === own || section?.node?.kind !== 'mapping' || section.node.entries.length === 0) continue;
      report({
        at: [section, type],
        on: 'key',
        tag: 'unnecessary',
        message: `distributed_type is ${word}, so nothing reads ${name}.`,
        fixes: [
          removeFix(section),
          { title: `Set distributed_type to ${own}`, edits: replaceValue(config.file, type.node, own) },
        ],
      });
    }
    // Two sections that most types read: DeepSpeed's launcher passes no compiler on, and plain processes have no mesh.
    const dynamo = setting(config, 'dynamo_config');
    const backend = setting(config, 'dynamo_config.dynamo_backend') ?? setting(config, 'dynamo_config.backend');
    if (
      dynamo &&
      backend &&
      word === 'DEEPSPEED' &&
      !/^(?:no|false)$/i.test(String(scalarOf(backend)?.value ?? 'no'))
    ) {
      unread(dynamo, 'dynamo_config');
    }
    const mesh = setting(config, 'parallelism_config');
    const sizes = meshOf(config);
    const isMesh = sizes !== undefined && Object.values(sizes).some((size) => size > 1);
    if (mesh && isMesh && (word === 'NO' || word === 'MULTI_CPU')) unread(mesh, 'parallelism_config');

    function unread(section: Setting, name: string): void {
      report({
        at: type ? [section, type] : section,
        on: 'key',
        tag: 'unnecessary',
        message: `distributed_type is ${word ?? ''}, so nothing reads ${name}.`,
        fixes: [removeFix(section)],
      });
    }
  },
});
