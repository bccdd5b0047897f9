import { accelerateFile, distributedTypeOf, machinesOf } from '../rules-support/accelerate-file';
import { numberOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Checks that every process of a machine has a GPU to run on. */
export const gpuIdsTooFew = rule({
  id: 'gpu-ids-too-few',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['gpu_ids'],
  why: 'gpu_ids becomes CUDA_VISIBLE_DEVICES. The launcher refuses a single id with a MULTI_ type on one machine; with fewer ids than processes two ranks are put on one GPU, which NCCL refuses.',
  source: [
    'accelerate src/accelerate/commands/launch.py:1258 (1.15.0) one id',
    'accelerate src/accelerate/utils/launch.py:258 (1.15.0) CUDA_VISIBLE_DEVICES',
    'accelerate src/accelerate/state.py:843 (1.15.0) local rank modulo the number of visible devices',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: accelerateFile("num_machines: 1\nnum_processes: 2\ngpu_ids: '0'\n") },
      { files: accelerateFile('num_machines: 1\nnum_processes: 4\ngpu_ids: 0,1,2\n') },
    ],
    good: [
      { files: accelerateFile('num_machines: 1\nnum_processes: 4\ngpu_ids: 0,1,2,3\n') },
      { files: accelerateFile('num_machines: 1\nnum_processes: 4\ngpu_ids: all\n') },
    ],
  },
  check({ config, report }) {
    const ids = setting(config, 'gpu_ids');
    const text = ids?.node?.kind === 'scalar' && !ids.node.templated ? stringOf(ids) : undefined;
    const type = distributedTypeOf(config);
    if (
      !ids?.node ||
      text === undefined ||
      text === 'all' ||
      !/^\s*\d+(?:\s*,\s*\d+)*\s*$/.test(text) ||
      type === undefined
    )
      return;
    const count = text.split(',').length;
    const machines = machinesOf(config);
    const processes = setting(config, 'num_processes');
    const total = numberOf(processes);
    const all = { title: 'Set gpu_ids to "all"', edits: replaceValue(config.file, ids.node, 'all') };
    if (count === 1 && machines === 1 && /^MULTI_(?!CPU)/.test(type)) {
      report({
        at: ids,
        message: `gpu_ids names one GPU and distributed_type is ${type}; accelerate launch stops on that.`,
        fixes: [all],
      });
      return;
    }
    if (
      !processes?.node ||
      total === undefined ||
      machines === undefined ||
      !/^(?:MULTI_GPU|FSDP|DEEPSPEED)$/.test(type)
    )
      return;
    const each = Math.floor(total / machines);
    if (machines >= 1 && count > each && machines === 1) {
      report({
        at: ids,
        severity: 'information',
        message: `gpu_ids names ${count} GPUs and num_processes is ${total}: ${count - each} of them stay idle.`,
        fixes: [{ title: `Set num_processes to ${count}`, edits: replaceValue(config.file, processes.node, count) }],
      });
      return;
    }
    if (machines < 1 || count >= each) return;
    report({
      at: [ids, processes],
      message: `gpu_ids names ${count} ${count === 1 ? 'GPU' : 'GPUs'} for ${each} processes; two ranks get the same GPU, and NCCL refuses that at the first exchange.`,
      fixes: [
        all,
        {
          title: `Set num_processes to ${count * machines}`,
          edits: replaceValue(config.file, processes.node, count * machines),
        },
      ],
    });
  },
});
