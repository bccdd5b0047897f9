import { atLaunch, launchedWith } from '../rules-support/environment';
import { filePlaces } from '../rules-support/places';
import { QUEUE_NODES } from '../run/manifest-values';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3 } }';
const QUEUE =
  'Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n      ComputeResources:\n        - Name: h100\n          InstanceType: p5.48xlarge\n          MaxCount: 4\n          Efa:\n            Enabled: true\n      Networking:\n        PlacementGroup:\n          Enabled: true\n';

function script(nodes: number): string {
  return `#SBATCH --nodes=${nodes}\nsrun torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n`;
}

/** Reports Slurm jobs that ask for more nodes than their ParallelCluster queue can start. */
export const jobLargerThanQueue = rule({
  id: 'job-larger-than-queue',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: "ParallelCluster gives Slurm as many nodes as MaxCount of the queue's compute resources says. A job that asks for more is refused, or waits for ever.",
  source: ['AWS ParallelCluster user guide, Scheduling section v3: MaxCount (default 10)'],
  verified: 'read',
  examples: {
    bad: [{ files: { 'ds.json': DS, 'run.sbatch': script(8), 'cluster.yaml': QUEUE } }],
    good: [{ files: { 'ds.json': DS, 'run.sbatch': script(4), 'cluster.yaml': QUEUE } }],
  },
  check({ run, config, report }) {
    const most = launchedWith(run, QUEUE_NODES);
    const { nodes } = run;
    if (!most?.place || !nodes.known || nodes.value <= Number(most.value)) return;
    // The job's own line, not a target that stands for another cluster.
    const asked = filePlaces(nodes).find(({ path }) => path === run.launches?.[0]?.path);
    const place = asked && atLaunch(run, config, most);
    if (!place) return;
    report({
      at: place.at,
      related: [
        { at: asked, message: `${nodes.value} nodes are asked for here.` },
        { at: most.place, message: 'The queue.' },
      ],
      message: `The job asks for ${nodes.value} nodes, and its ParallelCluster queue starts ${most.value} at most (${QUEUE_NODES}).`,
    });
  },
});
