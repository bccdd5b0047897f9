import type { HostMemoryEstimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import type { Fix } from '../findings';
import { shardingIsStated } from '../rules-support/certainty';
import { bandGib, capacityGib } from '../rules-support/memory-words';
import { withoutOffload } from '../rules-support/offload-edits';
import { elsewhere, placeForRun } from '../rules-support/places';
import type { TrainingRun } from '../run/training-run';
import { runDialects, type Workspace } from '../source';
import { rule } from './rule';

/** Reports offload and loading that need more host memory than a node has, even at the low end of the band. */
export const hostMemoryDoesNotFit = rule({
  id: 'host-memory-does-not-fit',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'When the host runs out of memory the kernel kills a rank with SIGKILL: the launcher reports exit code -9 and nothing else, often minutes into loading. Offloaded optimizer states take 16 to 18 bytes a parameter, over all ranks of a node.',
  source: [
    'DeepSpeed docs/_tutorials (issue deepspeedai/DeepSpeed#4239: "-9 is system out of memory")',
    'Shardlens server/src/core/estimate/host.ts',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" }, "offload_param": { "device": "cpu" } } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-70B", "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" }, "offload_param": { "device": "cpu" } } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!shardingIsStated(run)) return;
    if (!run.cluster.known || !run.model.known || !run.sharding.known) return;
    const zero = run.sharding.value.kind === 'zero' ? run.sharding.value : undefined;
    const at = placeForRun(run, config, zero?.offloadOptimizer, zero?.offloadParam, run.sharding, run.model);
    if (!at) return;
    const { host } = context.estimate;
    if (!host || host.capacity === null || host.fits !== false) return;
    report({
      at,
      message: `Host memory: ${MOMENTS[host.moment]} ${bandGib(host)} per node and ${run.cluster.value.instanceId ?? 'a node'} has ${capacityGib(host.capacity)} (${termsOf(host)}). The kernel's OOM killer would end a rank, which shows as exit code -9.`,
      related: elsewhere(config, [zero?.offloadOptimizer, 'The offload of the optimizer.']),
      fixes: fixesOf(run, context.workspace),
    });
  },
});

const MOMENTS = { loading: 'loading needs', training: 'training needs', saving: 'saving needs' } as const;

function termsOf({ terms }: HostMemoryEstimate): string {
  return [...terms]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map(({ label, bytes }) => `${label} ${(bytes / 2 ** 30).toFixed(0)}`)
    .join(', ');
}

/** Taking an offload out helps only where both the host and the GPUs surely have room then. */
function fixesOf(run: TrainingRun, workspace: Workspace): Omit<Fix, 'preferred'>[] {
  return withoutOffload(run, workspace).flatMap(({ title, run: changed, edits }) => {
    const { host, memory } = estimateRun(changed);
    return host?.fits === true && memory?.fits === true ? [{ title: `${title} (host ${bandGib(host)})`, edits }] : [];
  });
}
