import { atLaunch, launchedWith } from '../rules-support/environment';
import { filePlaces } from '../rules-support/places';
import { QUEUE_NODES } from '../run/manifest-values';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3 } }';
const QUEUE =
  'Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n      ComputeResources:\n        - Name: h100\n          InstanceType: p5.48xlarge\n          MaxCount: 4\n          Efa:\n            Enabled: true\n      Networking:\n        PlacementGroup:\n          Enabled: true\n';

const HYPERPOD =
  '{ "ClusterName": "ml", "InstanceGroups": [\n  { "InstanceGroupName": "controller-machine", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1 },\n  { "InstanceGroupName": "worker-group-1", "InstanceType": "ml.p5.48xlarge", "InstanceCount": 4 } ] }\n';

function script(nodes: number): string {
  return `#SBATCH --nodes=${nodes}\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n`;
}

/** Reports Slurm jobs that ask for more nodes than their ParallelCluster queue can start, or their HyperPod cluster has. */
export const jobLargerThanQueue = rule({
  id: 'job-larger-than-queue',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: "ParallelCluster gives Slurm as many nodes as MaxCount of the queue's compute resources says. HyperPod has as many as InstanceCount of its groups says. A job that asks for more is refused, or waits for ever.",
  source: [
    'AWS ParallelCluster user guide, Scheduling section v3: MaxCount (default 10)',
    'Amazon SageMaker API reference, CreateCluster: InstanceGroups, InstanceCount',
  ],
  verified: 'read',
  examples: {
    bad: [
      { files: { 'ds.json': DS, 'run.sbatch': script(8), 'cluster.yaml': QUEUE } },
      { files: { 'ds.json': DS, 'run.sbatch': script(8), 'cluster-config.json': HYPERPOD } },
    ],
    good: [
      { files: { 'ds.json': DS, 'run.sbatch': script(4), 'cluster.yaml': QUEUE } },
      { files: { 'ds.json': DS, 'run.sbatch': script(4), 'cluster-config.json': HYPERPOD } },
    ],
  },
  check({ run, config, report }) {
    const most = launchedWith(run, QUEUE_NODES);
    const { nodes } = run;
    if (!most?.place || !nodes.known || nodes.value <= Number(most.value)) return;
    // The job's own line, not a target that stands for another cluster.
    const asked = filePlaces(nodes).find(({ path }) => path === run.launches?.[0]?.path);
    const place = asked && atLaunch(run, config, most);
    if (!place) return;
    const origin = run.job?.[QUEUE_NODES]?.origin;
    const isHyperPod = origin?.kind === 'file' && origin.key === 'InstanceCount';
    report({
      at: place.at,
      related: [
        { at: asked, message: `${nodes.value} nodes are asked for here.` },
        { at: most.place, message: 'The queue.' },
      ],
      message: `The job asks for ${nodes.value} nodes, and its ${isHyperPod ? `HyperPod cluster has ${most.value} of that kind (InstanceCount)` : `ParallelCluster queue starts ${most.value} at most (${QUEUE_NODES})`}.`,
    });
  },
});
