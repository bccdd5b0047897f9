import { accelerateFile, distributedTypeOf } from '../rules-support/accelerate-file';
import { fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { stageFix, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

const FP8 = (type: string, lines: string) =>
  accelerateFile(`num_processes: 8\n${lines}`, type).replace('mixed_precision: bf16', 'mixed_precision: fp8');
const FSDP = 'fsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n';

/** Reports FP8 backends that cannot train with the sharding of the file. */
export const fp8BackendUnsupported = rule({
  id: 'fp8-backend-unsupported',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['fp8_config'],
  why: 'Each FP8 backend works with some ways of sharding only: MS-AMP not with FSDP or ZeRO stage 3, torchao not while FSDP loads the checkpoint on one rank. Accelerate raises when it is built.',
  source: [
    'accelerate src/accelerate/accelerator.py:518 (1.15.0) torchao',
    'accelerate src/accelerate/accelerator.py:606 (1.15.0) MS-AMP with FSDP',
    'accelerate src/accelerate/utils/dataclasses.py:1345 (1.15.0) MS-AMP at stage 3',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: FP8('FSDP', `fp8_config:\n  backend: MSAMP\n${FSDP}`) },
      { files: FP8('FSDP', `fp8_config:\n  backend: AO\n${FSDP}`) },
      {
        files: FP8('DEEPSPEED', 'fp8_config:\n  backend: MSAMP\n  opt_level: O1\ndeepspeed_config:\n  zero_stage: 3\n'),
      },
    ],
    good: [{ files: FP8('FSDP', `fp8_config:\n  backend: AO\n${FSDP}  fsdp_cpu_ram_efficient_loading: false\n`) }],
  },
  check({ config, run, report }) {
    const backend = setting(config, 'fp8_config.backend') ?? setting(config, 'fp8_config.fp8_backend');
    const name =
      backend?.node?.kind === 'scalar' && !backend.node.templated ? stringOf(backend)?.toUpperCase() : undefined;
    if (!backend || name === undefined || stringOf(setting(config, 'mixed_precision')) !== 'fp8') return;
    const type = distributedTypeOf(config);
    if (name === 'MSAMP' && type === 'FSDP') {
      report({
        at: backend,
        message: `${backend.path} MSAMP does not work with FSDP; Accelerate stops at start-up. AO and TE do, or DeepSpeed.`,
        fixes: backend.node ? [{ title: 'Use TE', edits: replaceValue(config.file, backend.node, 'TE') }] : [],
      });
    }
    if (name === 'MSAMP' && type === 'DEEPSPEED' && stageOf(run) === 3 && !run.configs.deepspeed) {
      report({
        at: [setting(config, 'deepspeed_config.zero_stage'), backend].filter((each) => each !== undefined),
        message: `${backend.path} MSAMP works up to ZeRO stage 2, and this is stage 3; Accelerate stops at start-up.`,
        fixes: stageFix(config, 2),
      });
    }
    const settings = name === 'AO' && type === 'FSDP' ? fsdpSettingsOf(config, run) : undefined;
    const loading = settings?.get('cpu_ram_efficient_loading');
    if (!settings || (loading && truthOf(loading) !== true)) return;
    report({
      at: loading ? [loading, backend] : backend,
      message: `torchao's FP8 (${backend.path} AO) does not work with fsdp_cpu_ram_efficient_loading, which is on${loading ? '' : ' by default'}; Accelerate stops at start-up.`,
      fixes: [
        {
          title: 'Set fsdp_cpu_ram_efficient_loading to false',
          edits: loading?.node
            ? replaceValue(config.file, loading.node, false)
            : setPath(config.file, config.root, settings.name('cpu_ram_efficient_loading'), false),
        },
      ],
    });
  },
});
