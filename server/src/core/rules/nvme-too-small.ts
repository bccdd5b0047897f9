import { elsewhere, placeForRun } from '../rules-support/places';
import { runDialects } from '../source';
import { formatParameters } from '../text/format';
import { rule } from './rule';

/** fp32 weight and both moments of Adam, as ZeRO-Infinity swaps them. */
const OPTIMIZER_BYTES = 12;
/** 16-bit weights. */
const PARAM_BYTES = 2;

/** Reports NVMe offload of more than the node's local drives hold. */
export const nvmeTooSmall = rule({
  id: 'nvme-too-small',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'ZeRO-Infinity keeps the fp32 weights and both moments on NVMe, 12 bytes a parameter over all ranks of a node, and the 16-bit weights with offload_param. A full drive stops the run while it swaps out.',
  source: [
    'deepspeed/runtime/swap_tensor/optimizer_utils.py (0.19.6)',
    'Rajbhandari et al. 2021 (ZeRO-Infinity, arXiv 2104.07857) §3',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/local_nvme" }, "offload_param": { "device": "nvme", "nvme_path": "/local_nvme" } } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-70B", "target": "box", "targets": { "box": { "hardware": "g4dn.8xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/local_nvme" }, "offload_param": { "device": "nvme", "nvme_path": "/local_nvme" } } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-70B", "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (
      !run.cluster.known ||
      !run.nodes.known ||
      !run.model.known ||
      !run.sharding.known ||
      run.sharding.value.kind !== 'zero'
    )
      return;
    const { offloadOptimizer, offloadParam } = run.sharding.value;
    const optimizer = offloadOptimizer.known && offloadOptimizer.value === 'nvme';
    const param = offloadParam.known && offloadParam.value === 'nvme';
    const { host, nodes, nodesPerMachine, instanceId } = run.cluster.value;
    // With adapters only their states are swapped.
    if (!(optimizer || param) || host.nvmeBytes === undefined || run.lora !== undefined) return;
    const at = placeForRun(run, config, optimizer ? offloadOptimizer : offloadParam);
    if (!at) return;
    const each = (optimizer ? OPTIMIZER_BYTES : 0) + (param ? PARAM_BYTES : 0);
    const total = run.model.value.parameters.total;
    const needed = (each * total) / nodes;
    if (needed <= host.nvmeBytes) return;
    const what = `${each} B × ${formatParameters(total)} parameters${nodes > 1 ? ` ÷ ${nodes} nodes` : ''}`;
    report({
      at,
      message: `NVMe offload writes ${what} = ${gigabytes(needed)} per node, and the local drives of ${instanceId ?? 'a node'} hold ${gigabytes(host.nvmeBytes)}${nodesPerMachine > 1 ? ' for it' : ''}. The run stops when they are full.`,
      related: elsewhere(config, [offloadOptimizer, 'The offload to NVMe.']),
    });
  },
});

function gigabytes(bytes: number): string {
  return `${Math.round(bytes / 1e9)} GB`;
}
