import { atLaunch, launchedWith } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }';
const SCRIPT = 'torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n';
const SETTINGS = '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "gpusPerNode": 8 } } }';

function manifest(volumes: string): string {
  return `kind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - command: ["bash", "run.sh"]\n${volumes}          resources:\n            limits:\n              nvidia.com/gpu: 8\n`;
}

/** Reports pods of several GPUs that mount no memory at /dev/shm. */
export const podSharedMemorySmall = rule({
  id: 'pod-shared-memory-small',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'A container has 64 MiB at /dev/shm unless its pod mounts more. NCCL makes segments of several MiB there for each channel between GPUs without peer-to-peer, and data loader workers hand their batches over through it: both fail when it is full.',
  source: [
    'NVIDIA/nccl docs, troubleshooting: shared memory of containers (--shm-size)',
    'pytorch/pytorch README.md: shared memory of containers, --ipc=host or --shm-size',
    'kubernetes.io/docs/concepts/storage/volumes: emptyDir with medium Memory',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': manifest(''), 'shardlens.json': SETTINGS } }],
    good: [
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': manifest('          volumeMounts:\n            - mountPath: /dev/shm\n              name: shm\n'),
          'shardlens.json': SETTINGS,
        },
      },
    ],
  },
  check(context) {
    const { run, config } = context;
    const memory = launchedWith(run, '/dev/shm');
    if (!memory || !run.gpusPerNode.known || run.gpusPerNode.value < 2) return;
    const place = atLaunch(run, config, memory);
    if (!place) return;
    const isOnlyPath = run.cluster.known && run.cluster.value.intra.kind === 'shm';
    context.report({
      ...place,
      related: memory.place ? [{ at: memory.place, message: 'The containers of the pod.' }] : [],
      severity: isOnlyPath ? 'warning' : 'information',
      message: `The manifest mounts nothing at /dev/shm, so each pod has ${memory.value} there for ${run.gpusPerNode.value} processes${isOnlyPath ? ', and shared memory is the only path between their GPUs' : ''}: an emptyDir with \`medium: Memory\`, mounted at /dev/shm, gives it more.`,
    });
  },
});
