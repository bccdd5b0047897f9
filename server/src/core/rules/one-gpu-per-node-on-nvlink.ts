import { placeForRun } from '../rules-support/places';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

const NVLINK = new Set(['nvlink-switch', 'nvlink-rack', 'nvlink-mesh']);

/** Reports runs that start one process on each of several nodes (or pods) whose GPUs are joined by NVLink. */
export const oneGpuPerNodeOnNvlink = rule({
  id: 'one-gpu-per-node-on-nvlink',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'GPUs of different pods reach each other over the network even inside one machine. Measured on p4d, Llama-3-8B with ZeRO-3: 19.6 s a step in one pod of four GPUs, 47.4 s in four pods of one GPU with EFA, 96.6 s over TCP.',
  source: [
    'Shardlens server/data/hardware.json training_measurements (p4d.24xlarge, 1 pod × 4 GPUs and 4 pods × 1 GPU)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 4, "gpusPerNode": 1 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 4 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known) return;
    const { nodes, gpusPerNode, gpusInNode, accelerator, inter, nodesPerMachine, instanceId } = run.cluster.value;
    if (nodes < 2 || gpusPerNode !== 1 || gpusInNode < 2 || !NVLINK.has(accelerator.link.path)) return;
    const at = placeForRun(run, config, run.worldSize, run.gpusPerNode);
    if (!at) return;
    const inside = accelerator.link.bytesPerSecond;
    const rate = inter.basis === 'assumed' ? '' : `, at ${formatRate(inter.bytesPerSecond)}`;
    const pods = nodesPerMachine > 1 ? `${nodes} pods on one machine` : `${nodes} nodes`;
    report({
      at,
      message: `The run uses ${pods} with one GPU each, so all traffic goes over the network${rate}. ${instanceId ?? 'One machine'} joins ${gpusInNode} ${accelerator.name} by NVLink${inside === undefined ? '' : ` at ${formatRate(inside)}`}: one node with ${Math.min(nodes, gpusInNode)} GPUs would use it.`,
    });
  },
});
