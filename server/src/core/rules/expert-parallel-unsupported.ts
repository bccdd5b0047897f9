import { divisorFix } from '../rules-support/divisors';
import { offloadDeviceOf, removeFix, setFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, numberOf, type Setting, setting, stringOf } from '../settings';
import { type Report, type RuleContext, rule } from './rule';

/** Reports AutoEP settings that its set-up refuses. */
export const expertParallelUnsupported = rule({
  id: 'expert-parallel-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['expert_parallel'],
  why: 'AutoEP lays expert groups over the ranks and checks the layout before any group is formed: the sizes have to divide the ranks, and together with AutoTP it leaves offload, DeepCompile and sequence parallelism out.',
  source: [
    'deepspeed/module_inject/auto_ep_folding.py:113 (0.19.8) build_folding_spec',
    'deepspeed/module_inject/auto_ep_folding.py:186 (0.19.8) validate_folding_global',
    'deepspeed/module_inject/auto_ep_config.py:121 (0.19.8) load_balance_coeff',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "expert_parallel": { "enabled": true, "autoep_size": 3 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "frameworks": { "deepspeed": "0.19.8" }, "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "expert_parallel": { "enabled": false, "autoep_size": 3 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "frameworks": { "deepspeed": "0.19.8" }, "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const version = statedVersion(run, 'deepspeed');
    // Earlier releases do not read the section.
    if (version !== undefined && !isAtLeast(version, SINCE)) return;
    if (booleanOf(setting(config, 'expert_parallel.enabled')) !== true) return;
    const say = (at: Setting | readonly Setting[], fault: string, fixes: Report['fixes'] = []) =>
      report({
        at,
        severity: version === undefined ? 'warning' : 'error',
        message: `${fault}; DeepSpeed${version === undefined ? ` ${SINCE}` : ''} stops when it builds the engine.`,
        fixes,
      });
    const own = (key: string) => setting(config, `expert_parallel.${key}`);
    const size = own('autoep_size');
    const experts = numberOf(size) ?? 1;
    const ranks = run.worldSize.known ? run.worldSize.value : undefined;
    if (size && experts >= 1 && ranks !== undefined && ranks % experts !== 0) {
      say(size, `autoep_size is ${experts}, which does not divide ${ranks} ranks`, divisorFix(size, experts, ranks));
    }
    const inner = own('expert_tensor_parallel_size');
    if (inner && (numberOf(inner) ?? 1) > 1) {
      say(inner, `expert_tensor_parallel_size is ${numberOf(inner)}, and only 1 is supported yet`, [
        setFix(config, inner.path, 1),
      ]);
    }
    const balance = own('load_balance_coeff');
    if (balance?.node?.kind === 'scalar' && numberOf(balance) !== undefined) {
      say(balance, 'load_balance_coeff is not supported yet', [removeFix(balance)]);
    }
    foldingFaults(context, experts, say);
  },
});

/** The first release in which the section is read. */
const SINCE = '0.19.2';

/** What AutoEP does not do together with AutoTP. */
function foldingFaults(
  { config }: RuleContext,
  experts: number,
  say: (at: Setting | readonly Setting[], fault: string, fixes?: Report['fixes']) => void,
): void {
  const presets = ['tensor_parallel.preset_model', 'expert_parallel.preset_model'].map((path) => setting(config, path));
  const [dense, sparse] = presets.map(stringOf);
  if (presets[0] && presets[1] && dense !== undefined && sparse !== undefined && dense !== sparse) {
    say(
      [presets[1], presets[0]],
      `The preset_model of expert_parallel, "${sparse}", is not that of tensor_parallel, "${dense}"`,
    );
  }
  const autotp = setting(config, 'tensor_parallel.autotp_size');
  if (!autotp || (numberOf(autotp) ?? 1) <= 1) return;
  if (experts === 1) say(autotp, 'AutoTP together with AutoEP needs an autoep_size above 1');
  const deepcompile = setting(config, 'compile.deepcompile');
  if (deepcompile && booleanOf(deepcompile) === true) {
    say([deepcompile, autotp], 'DeepCompile does not work with AutoEP and AutoTP together', [
      setFix(config, deepcompile.path, false),
    ]);
  }
  const ulysses = setting(config, 'sequence_parallel_size');
  if (ulysses && (numberOf(ulysses) ?? 1) > 1) {
    say([ulysses, autotp], 'Sequence parallelism does not work with AutoEP and AutoTP together');
  }
  const order = setting(config, 'use_data_before_expert_parallelism');
  if (order && booleanOf(order) === true) {
    say([order, autotp], 'use_data_before_expert_parallelism does not work with AutoEP and AutoTP together', [
      removeFix(order),
    ]);
  }
  for (const section of ['offload_optimizer', 'offload_param'] as const) {
    const device = offloadDeviceOf(config, section);
    const found = setting(config, `zero_optimization.${section}`);
    if (!found || (device !== 'cpu' && device !== 'nvme')) continue;
    say([found, autotp], `${section} does not work with AutoEP and AutoTP together`, [removeFix(found)]);
  }
}
