import { atLaunch, stepWithout, usualLinks, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

const RESOURCE = 'vpc.amazonaws.com/efa';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';
const SCRIPT = 'torchrun --nnodes 2 --nproc_per_node 8 train.py --deepspeed ds.json\n';
const SETTINGS =
  '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }';

function manifest(count: number): string {
  return `kind: PyTorchJob\nspec:\n  template:\n    spec:\n      containers:\n        - command: ["bash", "run.sh"]\n          resources:\n            limits:\n              nvidia.com/gpu: 8\n              vpc.amazonaws.com/efa: ${count}\n`;
}

/** Reports Kubernetes manifests that ask for another number of EFA interfaces than the machine has for them. */
export const efaCountUnlikeMachine = rule({
  id: 'efa-count-unlike-machine',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'A pod sees the EFA interfaces that its manifest asks for. With fewer than the machine has, the others carry nothing; with more, no machine of this kind can take the pod.',
  source: [
    'docs.aws.amazon.com/eks/latest/userguide/node-efa.html (vpc.amazonaws.com/efa)',
    'Shardlens server/data/hardware.json instances, efa.interfaces',
  ],
  verified: 'read',
  examples: {
    bad: [
      { files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': manifest(1), 'shardlens.json': SETTINGS } },
      { files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': manifest(32), 'shardlens.json': SETTINGS } },
    ],
    good: [{ files: { 'ds.json': DS, 'run.sh': SCRIPT, 'job.yaml': manifest(4), 'shardlens.json': SETTINGS } }],
  },
  check(context) {
    const { config, run, catalogs, report } = context;
    const variable = variableOf(run, RESOURCE);
    if (!variable || !run.cluster.known) return;
    const { nodes, instanceId } = run.cluster.value;
    const record = instanceId === undefined ? undefined : catalogs.hardware.instance(instanceId);
    const most = record?.efa?.interfaces ?? undefined;
    const { nicsPerNode: share } = usualLinks(run.cluster.value);
    const count = Number(variable.value);
    if (nodes < 2 || most === undefined || share === undefined || !(count >= 1)) return;
    if (count >= share && count <= most) return;
    const place = atLaunch(run, config, variable);
    if (!place) return;
    const asks = `The manifest asks for ${count} EFA ${count === 1 ? 'interface' : 'interfaces'} per pod`;
    report({
      ...place,
      message:
        count > most
          ? `${asks}, and ${instanceId} has ${most}: no such machine can take the pod.`
          : `${asks}; ${instanceId} has ${share} for it, and the others stay unused.${stepWithout(context, variable)}`,
      fixes: variable.place
        ? [{ title: `Ask for ${share} EFA interfaces`, edits: [{ ...variable.place, newText: String(share) }] }]
        : [],
    });
  },
});
