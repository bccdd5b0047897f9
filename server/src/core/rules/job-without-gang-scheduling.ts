import { atLaunch, launchedWith } from '../rules-support/environment';
import { GANG } from '../run/manifest-values';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3 } }';
const SCRIPT = 'torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n';

function job(workers: number, labels: string): string {
  return `kind: PyTorchJob\nmetadata:\n  name: train\n${labels}spec:\n  pytorchReplicaSpecs:\n    Worker:\n      replicas: ${workers}\n      template:\n        spec:\n          hostIPC: true\n          containers:\n            - name: pytorch\n              command: ["bash", "run.sh"]\n              resources:\n                limits:\n                  nvidia.com/gpu: 8\n`;
}

/** Remarks on jobs of several pods that nothing starts all together. */
export const jobWithoutGangScheduling = rule({
  id: 'job-without-gang-scheduling',
  severity: 'hint',
  applies: runDialects,
  when: 'launched',
  why: 'Kubernetes starts each pod where it finds room. When two jobs each get some of their pods, both wait for the rest and hold the GPUs they have; Kueue, Volcano and the like start all pods of a job or none.',
  source: [
    'kubeflow.org/docs/components/trainer/legacy-v1/user-guides/job-scheduling (gang scheduling)',
    'kueue.sigs.k8s.io/docs/concepts/workload',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': job(4, '') } }],
    good: [
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': job(4, '  labels:\n    kueue.x-k8s.io/queue-name: train\n'),
        },
      },
      { files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': job(1, '') } },
    ],
  },
  check({ run, config, report }) {
    const gang = launchedWith(run, GANG);
    if (gang?.value !== 'none' || !gang.place || !run.nodes.known || run.nodes.value < 2) return;
    const place = atLaunch(run, config, gang);
    if (!place) return;
    report({
      at: place.at,
      related: [{ at: gang.place, message: 'The job.' }],
      message: `Nothing in the manifest starts its ${run.nodes.value} pods all together: beside another such job each may hold some GPUs and wait for the rest. A label for Kueue or Volcano prevents that, unless the operator sets one for all jobs.`,
    });
  },
});
