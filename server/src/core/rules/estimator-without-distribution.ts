import { atLaunch, launchedWith } from '../rules-support/environment';
import { DISTRIBUTION } from '../run/manifest-values';
import { runDialects } from '../source';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3 } }';

function estimator(more: string): string {
  return `from sagemaker.pytorch import PyTorch\nestimator = PyTorch(\n    entry_point="train.py",\n    instance_type="ml.p4d.24xlarge",\n    instance_count=2,\n    hyperparameters={"deepspeed": "ds.json"},\n${more})\n`;
}

/** Reports SageMaker estimators that start one process on machines of several GPUs. */
export const estimatorWithoutDistribution = rule({
  id: 'estimator-without-distribution',
  severity: 'information',
  applies: runDialects,
  when: 'launched',
  why: 'SageMaker starts `python entry_point` once on each instance unless `distribution` says more: torch_distributed starts torchrun with all GPUs. An entry point that starts its processes itself needs none.',
  source: ['aws/sagemaker-training-toolkit src/sagemaker_training/entry_point.py run, torch_distributed.py'],
  verified: 'read',
  examples: {
    bad: [{ files: { 'ds.json': DS, 'launch_sagemaker.py': estimator('') } }],
    good: [
      {
        files: {
          'ds.json': DS,
          'launch_sagemaker.py': estimator('    distribution={"torch_distributed": {"enabled": True}},\n'),
        },
      },
    ],
  },
  check({ run, config, report }) {
    const distribution = launchedWith(run, DISTRIBUTION);
    if (distribution?.value !== 'none' || !distribution.place || !run.cluster.known) return;
    const { gpusInNode, instanceId, accelerator } = run.cluster.value;
    const place = gpusInNode > 1 && atLaunch(run, config, distribution);
    if (!place) return;
    report({
      at: place.at,
      related: [{ at: distribution.place, message: 'The estimator.' }],
      message: `The estimator has no \`distribution\`, so SageMaker starts one process on each ${instanceId}, which has ${gpusInNode} ${accelerator.name}: {"torch_distributed": {"enabled": True}} starts one for each GPU.`,
    });
  },
});
