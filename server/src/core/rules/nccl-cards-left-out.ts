import { adaptersNamed } from '../hardware/forced';
import { networkBetween, reportVariable, usualLinks, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** Networks whose adapters NCCL_IB_HCA chooses from. */
const VERBS = new Set(['infiniband', 'roce', 'rdma-host'] as const);

/** Reports NCCL_IB_HCA that names fewer adapters than the machine has for training. */
export const ncclCardsLeftOut = rule({
  id: 'nccl-cards-left-out',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_IB_HCA names the adapters that NCCL may use; all others carry nothing. A list copied from a smaller machine, or from a test with one card, takes that share of the network away.',
  source: ['NVIDIA/nccl docs: NCCL_IB_HCA', 'Shardlens server/data/hardware.json instances, fabric.nics'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_IB_HCA=mlx5_0 deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "dgx-h100", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_IB_HCA=mlx5 deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "dgx-h100", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { run } = context;
    const variable = variableOf(run, 'NCCL_IB_HCA');
    const network = variable && networkBetween(run, VERBS);
    if (!network || !run.cluster.known) return;
    const { nicsPerNode: cards } = usualLinks(run.cluster.value);
    const named = cards === undefined ? undefined : adaptersNamed(variable.value, cards);
    if (cards === undefined || named === undefined || named < 1 || named >= cards) return;
    reportVariable(
      context,
      variable,
      `The launch sets NCCL_IB_HCA=${variable.value}, so NCCL uses ${named} of the ${cards} network cards of each node (${network.link.label} with all).`,
    );
  },
});
