import { offloadDeviceOf, removeFix, setFix } from '../rules-support/zero';
import { booleanOf, type Setting, setting } from '../settings';
import { type Report, rule } from './rule';

/** Reports compile settings that DeepCompile refuses. */
export const deepcompileUnsupported = rule({
  id: 'deepcompile-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['compile'],
  why: 'DeepCompile rewrites the graph with passes of its own. It knows four of them by name, runs autotp alone, and moves states or activations off the GPU in one way at a time.',
  source: [
    'deepspeed/compile/config.py:9 (0.19.6) PassName',
    'deepspeed/runtime/engine.py:5694 (0.19.6) autotp',
    'deepspeed/compile/init_z3.py:94 (0.19.6) offload_opt_states',
    'deepspeed/compile/init_z3.py:101 (0.19.6) offload_activation',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "compile": { "deepcompile": true, "passes": ["z9"] }, "zero_optimization": { "stage": 1 } }',
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "compile": { "deepcompile": true, "passes": ["z1"] }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, report }) {
    const passes = setting(config, 'compile.passes');
    const names = (passes?.node?.kind === 'sequence' ? passes.node.items : []).map((item) =>
      item.kind === 'scalar' && !item.templated ? item.scalar.value : undefined,
    );
    const unknown = names.filter((name) => name !== undefined && !PASSES.has(String(name)));
    if (passes && unknown.length > 0) {
      say(
        passes,
        `DeepCompile has no pass ${unknown.map((name) => `"${String(name)}"`).join(', ')}; it has ${[...PASSES].join(', ')}`,
        'at start-up',
        [removeFix(passes)],
      );
    }
    if (booleanOf(setting(config, 'compile.deepcompile')) !== true) return;
    if (passes && names.includes('autotp') && names.length > 1) {
      say(passes, 'The pass autotp runs alone, and others stand beside it', COMPILING, [
        setFix(config, passes.path, ['autotp']),
      ]);
    }
    const on = (key: string) => {
      const found = setting(config, `compile.${key}`);
      return booleanOf(found) === true ? found : undefined;
    };
    const states = on('offload_opt_states');
    const device = offloadDeviceOf(config, 'offload_optimizer');
    const offload = setting(config, 'zero_optimization.offload_optimizer');
    if (states && offload && (device === 'cpu' || device === 'nvme')) {
      say([states, offload], 'The optimizer states are offloaded twice, by compile and by ZeRO', COMPILING, [
        removeFix(states),
      ]);
    }
    const activation = on('offload_activation');
    const other = on('offload_parameters') ?? states;
    if (activation && other) {
      say([activation, other], `offload_activation does not work together with ${other.entry.key}`, COMPILING, [
        removeFix(activation),
      ]);
    }

    function say(at: Setting | readonly Setting[], fault: string, when: string, fixes: Report['fixes']): void {
      report({ at, message: `${fault}. DeepSpeed stops ${when}.`, ...(fixes && { fixes }) });
    }
  },
});

const PASSES = new Set(['z1', 'z3', 'autosp', 'autotp']);
const COMPILING = 'when it compiles the model';
