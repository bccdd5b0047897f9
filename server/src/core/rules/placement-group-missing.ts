import type { LinkKind } from '../hardware/hardware';
import { atLaunch, isWrittenAs, launchedWith } from '../rules-support/environment';
import { PLACEMENT_GROUP } from '../run/manifest-values';
import { runDialects } from '../source';
import { rule } from './rule';

const EFA = new Set<LinkKind>(['efa', 'efa-gdr']);
const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';
const SCRIPT =
  '#SBATCH --nodes=4\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n';

function queue(networking: string): string {
  return `Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n${networking}      ComputeResources:\n        - Name: h100\n          InstanceType: p5.48xlarge\n          Efa:\n            Enabled: true\n`;
}

/** Reports runs over several EFA nodes of a ParallelCluster queue that has no cluster placement group. */
export const placementGroupMissing = rule({
  id: 'placement-group-missing',
  severity: 'information',
  applies: runDialects,
  when: 'launched',
  why: 'A cluster placement group puts the nodes of a job close together in one zone. AWS recommends one wherever EFA is used; without it each hop between nodes may cross more switches. Capacity that was reserved has its place already.',
  source: [
    'AWS ParallelCluster user guide, Scheduling section v3: Efa (a cluster placement group is recommended), PlacementGroup/Enabled (default false)',
    'docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'ds.json': DS, 'run.sbatch': SCRIPT, 'cluster.yaml': queue('') } }],
    good: [
      {
        files: {
          'ds.json': DS,
          'run.sbatch': SCRIPT,
          'cluster.yaml': queue('      Networking:\n        PlacementGroup:\n          Enabled: true\n'),
        },
      },
      { files: { 'ds.json': DS, 'run.sbatch': SCRIPT, 'cluster.yaml': queue('      CapacityType: CAPACITY_BLOCK\n') } },
    ],
  },
  check(context) {
    const { run, config, report } = context;
    const group = launchedWith(run, PLACEMENT_GROUP);
    if (group?.value !== 'false' || !group.place || !run.cluster.known) return;
    const { inter, nodes } = run.cluster.value;
    const place = nodes > 1 && EFA.has(inter.kind) && atLaunch(run, config, group);
    if (!place) return;
    report({
      at: place.at,
      related: [{ at: group.place, message: 'The queue.' }],
      message: `The ParallelCluster queue does not set ${PLACEMENT_GROUP}, so its ${nodes} nodes may stand far apart, with more switches between them.`,
      fixes: isWrittenAs(group, context)
        ? [{ title: 'Enable the placement group', edits: [{ ...group.place, newText: 'true' }] }]
        : [],
    });
  },
});
