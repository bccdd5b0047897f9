import { accelerateFile } from '../rules-support/accelerate-file';
import { setting } from '../settings';
import { renameKey } from '../syntax/editing';
import { lookup } from '../syntax/node';
import { rule } from './rule';

const PREFIX = 'parallelism_config_';

/** Reports sizes of parallelism_config without the prefix they are read under. */
export const parallelismPrefixMissing = rule({
  id: 'parallelism-prefix-missing',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['parallelism_config'],
  why: 'The launcher copies the keys of parallelism_config as they are and reads them with their prefix. Without it the section switches the feature on with every size 1, and the sizes written count for nothing.',
  source: [
    'accelerate src/accelerate/commands/launch.py:1263 (1.15.0) how keys are copied',
    'accelerate src/accelerate/utils/launch.py:402 (1.15.0) how they are read',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: accelerateFile(
          'num_processes: 8\nparallelism_config:\n  tp_size: 2\n  dp_shard_size: 4\n',
          'FSDP',
        ).concat('fsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n'),
      },
    ],
    good: [
      {
        files: accelerateFile(
          'num_processes: 8\nparallelism_config:\n  parallelism_config_tp_size: 2\n  parallelism_config_dp_shard_size: 4\n',
          'FSDP',
        ).concat('fsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n'),
      },
    ],
  },
  check({ config, report }) {
    const section = setting(config, 'parallelism_config');
    if (section?.node?.kind !== 'mapping') return;
    for (const entry of section.node.entries) {
      if (!isSizeWithoutPrefix(entry.key)) continue;
      const wanted = `${PREFIX}${entry.key}`;
      report({
        at: { config, path: `parallelism_config.${entry.key}`, entry, node: entry.value },
        on: 'key',
        message: `The launcher reads ${wanted}, not ${entry.key}, so this size counts for nothing.`,
        fixes: lookup(section.node, wanted)
          ? []
          : [{ title: `Rename to ${wanted}`, edits: renameKey(config.file, entry, wanted) }],
      });
    }
  },
});

/** Keys of parallelism_config that would be read with the prefix. */
export function isSizeWithoutPrefix(key: string): boolean {
  return /^(?:(?:dp_replicate|dp_shard|tp|cp|sp)_size|cp_backend|sp_backend|cp_comm_strategy|sp_seq_length|sp_seq_length_is_variable|sp_attn_implementation)$/.test(
    key,
  );
}
