import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, strategyNamed } from '../rules-support/fsdp';
import { scalarOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Says that hybrid sharding on one node is full sharding. */
export const hybridShardOnOneNode = rule({
  id: 'hybrid-shard-on-one-node',
  severity: 'hint',
  applies: ['accelerate'],
  needs: ['fsdp_config'],
  why: 'HYBRID_SHARD shards inside a node and replicates across nodes. On one node it is FULL_SHARD with one more process group.',
  source: ['torch/distributed/fsdp/_init_utils.py:103 (2.13.0)'],
  verified: 'read',
  examples: {
    bad: [{ files: accelerateFsdp('fsdp_version: 1\nfsdp_sharding_strategy: HYBRID_SHARD') }],
    good: [
      { files: accelerateFsdp('fsdp_version: 1\nfsdp_sharding_strategy: FULL_SHARD') },
      {
        files: accelerateFsdp('fsdp_version: 1\nfsdp_sharding_strategy: HYBRID_SHARD').replace(
          'num_machines: 1\nnum_processes: 8',
          'num_machines: 2\nnum_processes: 16',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const found = settings?.get('sharding_strategy');
    if (!settings || !found?.node || fsdpVersionOf(settings, run) !== 1) return;
    const value = scalarOf(found)?.value;
    const strategy = typeof value === 'string' ? strategyNamed(value) : undefined;
    if (!strategy?.startsWith('HYBRID') || !run.nodes.known || run.nodes.value !== 1) return;
    // The number of nodes is an assumption where nobody states it.
    if (run.nodes.origin.kind === 'assumed' || run.nodes.origin.kind === 'default') return;
    const plain = strategy === 'HYBRID_SHARD' ? 'FULL_SHARD' : 'SHARD_GRAD_OP';
    report({
      at: found,
      message: `${strategy} on one node is the same as ${plain}: there is no second node to replicate to.`,
      fixes: [{ title: `Use ${plain}`, edits: replaceValue(config.file, found.node, plain) }],
    });
  },
});
