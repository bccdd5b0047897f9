import { atLaunch, launchedWith, removeVariable, type Variable } from '../rules-support/environment';
import { valueIfKnown } from '../run/known';
import type { RunOutline } from '../run/training-run';
import { countFrom, type Written, writtenIn } from '../run/written';
import { runDialects } from '../source';
import { type RuleContext, rule } from './rule';

/** Reports CUDA_VISIBLE_DEVICES that shows fewer GPUs than processes are started, or that the launcher passes over. */
export const visibleDevicesUnlikeProcesses = rule({
  id: 'visible-devices-unlike-processes',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'Processes see the GPUs that CUDA_VISIBLE_DEVICES lists. With fewer than processes two ranks get the same GPU, or one that is not there; and the deepspeed launcher drops the list where --num_gpus, --include, --exclude or more than one of --num_nodes is given, and takes the first GPUs of the machine.',
  source: [
    'deepspeed/launcher/runner.py:448 (0.19.8) detected, and ignored beside --num_gpus',
    'accelerate src/accelerate/state.py:843 (1.15.0) local rank modulo the number of visible devices',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh':
            'CUDA_VISIBLE_DEVICES=0,1,2,3 torchrun --nproc_per_node 8 train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1\n',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'CUDA_VISIBLE_DEVICES=4,5,6,7 deepspeed --num_gpus 4 train.py --deepspeed ds.json\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh':
            'CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 torchrun --nproc_per_node 8 train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1\n',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'CUDA_VISIBLE_DEVICES=4,5,6,7 deepspeed train.py --deepspeed ds.json\n',
        },
      },
    ],
  },
  check(context) {
    const { run } = context;
    const variable = launchedWith(run, 'CUDA_VISIBLE_DEVICES');
    const ids = variable && idsOf(variable.value);
    const { launch } = run;
    if (!ids || !launch) return;
    if (launch.launcher === 'deepspeed') passedOver(context, variable, ids);
    else if (launch.launcher !== 'python') tooFew(context, variable, ids.length);
  },
});

/** `0,1,2`: anything else names GPUs in a way that is not counted here. */
function idsOf(value: string): readonly number[] | undefined {
  return /^\d+(,\s*\d+)*$/.test(value) ? value.split(',').map(Number) : undefined;
}

function tooFew(context: RuleContext, variable: Variable, ids: number): void {
  const processes = startedPerNode(context.run);
  const place = atLaunch(context.run, context.config, variable);
  if (!place || processes === undefined || processes <= ids) return;
  context.report({
    ...place,
    message: `CUDA_VISIBLE_DEVICES shows ${ids} ${ids === 1 ? 'GPU' : 'GPUs'} and ${processes} processes are started on the node: ranks share a GPU or find none, and NCCL refuses both at the first exchange.`,
    fixes: removeVariable(variable, context),
  });
}

/**
 * Processes that the launch writes out for each node. Without a number, or with `gpu` for one, the launchers count the GPUs that
 * they see, so that the list decides; and accelerate puts its own gpu_ids in place of the list.
 */
function startedPerNode({ launches, configs: { accelerate } }: RunOutline): number | undefined {
  const launch = launches?.[0];
  if (!launch) return undefined;
  if (launch.launcher === 'torchrun') return counted(launch.flags.get('nproc_per_node'));
  const flags = launch.launcher === 'trl' ? launch.arguments : launch.flags;
  const written = (key: string): Written | undefined => flags.get(key) ?? writtenIn(accelerate, key);
  const gpus = written('gpu_ids');
  if (gpus && gpus.plain !== 'all') return undefined;
  const processes = counted(written('num_processes'));
  const machines = written('num_machines');
  const nodes = machines ? counted(machines) : 1;
  return processes === undefined || nodes === undefined ? undefined : Math.floor(processes / nodes);
}

function counted(written: Written | undefined): number | undefined {
  return written && valueIfKnown(countFrom(written));
}

/** The first GPUs of the machine are what the launcher takes anyway. */
function passedOver(context: RuleContext, variable: Variable, ids: readonly number[]): void {
  const { run } = context;
  const flags = run.launch?.flags;
  // With a hostfile the launcher does not look at the list, and the same GPUs may be named twice.
  const isSame = flags?.get('include')?.plain === `localhost:${ids.join(',')}`;
  if (isSame || flags?.has('hostfile') || flags?.has('H')) return;
  const flag = FILTERS.find((name) => (name === 'num_nodes' ? isSeveral(flags?.get(name)) : flags?.has(name)));
  const isFirst =
    ids.every((id, index) => id === index) && run.gpusPerNode.known && run.gpusPerNode.value === ids.length;
  const place = atLaunch(run, context.config, variable);
  if (!place || flag === undefined || isFirst) return;
  context.report({
    ...place,
    message: `The deepspeed launcher passes over CUDA_VISIBLE_DEVICES=${variable.value} because --${flag} is given, and takes the GPUs of that flag from the first on. Leave out one of the two, or name the GPUs with --include localhost:${ids.join(',')}.`,
    fixes: [],
  });
}

/** One node, or -1 for all, leaves the list as it is (deepspeed/launcher/runner.py:451, 0.19.8). */
function isSeveral(nodes: Written | undefined): boolean {
  return (counted(nodes) ?? 0) > 1;
}

const FILTERS = ['num_gpus', 'num_nodes', 'include', 'exclude'] as const;
