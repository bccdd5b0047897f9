import { atLaunch, type Variable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { type RuleContext, rule } from './rule';

/** Switches that scripts write as words. */
const SWITCHES = ['NCCL_P2P_DISABLE', 'NCCL_IB_DISABLE', 'NCCL_SHM_DISABLE', 'NCCL_NVLS_ENABLE'] as const;

/** Reports switches of NCCL that are set to words: it reads numbers. */
export const ncclSwitchNotANumber = rule({
  id: 'nccl-switch-not-a-number',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL reads its switches as numbers. `true`, `yes` and `on` are 0 to it, or its default in releases that complain, so the switch does nothing.',
  source: ['NVIDIA/nccl src/misc/param.cc ncclLoadParam (2.30): strtoll, and nothing else'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_P2P_DISABLE=true deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_P2P_DISABLE=1 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
  },
  check(context) {
    for (const name of SWITCHES) {
      const variable = variableOf(context.run, name);
      if (!variable || !/^(true|yes|on)$/i.test(variable.value)) continue;
      const place = atLaunch(context.run, context.config, variable);
      if (!place) return;
      context.report({
        ...place,
        message: `The launch sets ${name}=${variable.value}, and NCCL reads numbers: it takes that as 0 or as not set, so the switch does nothing.`,
        fixes: asNumber(variable, context.workspace),
      });
    }
  },
});

function asNumber({ name, value, place }: Variable, workspace: RuleContext['workspace']) {
  const read = place && workspace.read(place.path);
  // A value that a variable of the script fills stands somewhere else.
  if (!place || !read?.ok || read.text.slice(place.start, place.end) !== `${name}=${value}`) return [];
  return [{ title: `Set ${name} to 1`, edits: [{ ...place, start: place.end - value.length, newText: '1' }] }];
}
