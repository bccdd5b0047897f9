import { computeCapability } from '../hardware/capability';
import { atLaunch, launchedWith } from '../rules-support/environment';
import { imageContents } from '../run/image';
import { IMAGE } from '../run/manifest-values';
import { isAtLeast } from '../schema/versions';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3 } }';
const SCRIPT = 'torchrun --nproc_per_node 4 train.py --deepspeed ds.json\n';

function job(image: string, machine = 'p6-b200.48xlarge'): string {
  return `kind: PyTorchJob\nspec:\n  pytorchReplicaSpecs:\n    Worker:\n      replicas: 1\n      template:\n        spec:\n          nodeSelector:\n            node.kubernetes.io/instance-type: ${machine}\n          hostIPC: true\n          containers:\n            - name: pytorch\n              image: ${image}\n              command: ["bash", "run.sh"]\n              resources:\n                limits:\n                  nvidia.com/gpu: 4\n`;
}

/** The first CUDA that compiles for a generation (NVIDIA, CUDA release notes). */
const FIRST_CUDA: readonly (readonly [capability: number, cuda: string])[] = [
  [10, '12.8'],
  [9, '11.8'],
];
/** CUDA 13 no longer compiles for Volta and older. */
const TURING = 7.5;

/** Reports container images whose CUDA has no code for the GPU that they run on. */
export const imageLacksGpuCode = rule({
  id: 'image-lacks-gpu-code',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'An image brings torch as it was compiled for one release of CUDA, and each release knows the GPUs of its time: Hopper from 11.8 on, Blackwell from 12.8 on, Volta up to 12. On another GPU the first kernel fails with “no kernel image is available”. And an image for x86-64 does not run on the Arm CPUs of Grace.',
  source: [
    'aws/deep-learning-containers and pytorch/pytorch image tags (cu129, cuda12.1)',
    'docs.nvidia.com/cuda/cuda-toolkit-release-notes (11.8 Hopper, 12.8 Blackwell, 13.0 without Volta)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': job(
            '763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5.1-gpu-py311-cu124-ubuntu22.04-ec2',
          ),
        },
      },
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': job(
            'public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0',
            'p6e-gb200.36xlarge',
          ),
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': job(
            'public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0',
          ),
        },
      },
      {
        files: {
          'ds.json': DS,
          'run.sh': SCRIPT,
          'job.yaml': job(
            'public.ecr.aws/deep-learning-containers/pytorch-training-arm64:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0',
            'p6e-gb200.36xlarge',
          ),
        },
      },
    ],
  },
  check({ run, config, report }) {
    const image = launchedWith(run, IMAGE);
    const contents = image && imageContents(image.value);
    if (!image?.place || !contents || !run.cluster.known) return;
    const related = [{ at: image.place, message: 'The image.' }];
    const { host, instanceId } = run.cluster.value;
    if (host.arch !== undefined && contents.arch !== undefined && host.arch !== contents.arch) {
      const place = atLaunch(run, config, image);
      const message = `The image is made for ${contents.arch}, and the CPUs of ${instanceId ?? 'the node'} are ${host.arch}: its container does not start.`;
      if (place) report({ at: place.at, related, message });
      return;
    }
    const { cuda } = contents;
    if (cuda === undefined) return;
    const { name, architecture, ...accelerator } = run.cluster.value.accelerator;
    const capability = computeCapability({ name, architecture, ...accelerator });
    if (capability === undefined) return;
    const first = FIRST_CUDA.find(([from]) => capability >= from)?.[1];
    const isTooOld = first !== undefined && !isAtLeast(cuda, first);
    const isTooNew = capability < TURING && isAtLeast(cuda, '13.0');
    const place = (isTooOld || isTooNew) && atLaunch(run, config, image);
    if (!place) return;
    const why = isTooOld ? `it needs ${first} or newer` : 'it was left out of 13';
    report({
      at: place.at,
      related,
      message: `The image has torch for CUDA ${cuda}, without code for ${name} (${architecture}): ${why}. The first kernel fails.`,
    });
  },
});
