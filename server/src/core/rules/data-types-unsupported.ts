import { ownValue } from '../own-value';
import { isReadByHuggingFace, removeFix, setFix, stageOf } from '../rules-support/zero';
import type { RunOutline } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { rule } from './rule';

/** Reports data_types that do not go with the precision of the run. */
export const dataTypesUnsupported = rule({
  id: 'data-types-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['data_types'],
  why: 'Without ZeRO, DeepSpeed accumulates gradients in the dtype of the model and in no other; only the ZeRO optimizers convert. param_dtype states the dtype a second time and has to agree.',
  source: ['deepspeed/runtime/engine.py:2021 (0.19.6)', 'deepspeed/runtime/engine.py:1513 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "data_types": { "grad_accum_dtype": "fp32" }, "zero_optimization": { "stage": 0 } }',
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "data_types": { "param_dtype": "fp16" }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "data_types": { "grad_accum_dtype": "fp32" }, "zero_optimization": { "stage": 1 } }',
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "data_types": { "param_dtype": "bf16" }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const dtype = dtypeOf(config, run);
    if (dtype === undefined) return;
    const accumulation = setting(config, 'data_types.grad_accum_dtype');
    const wanted = ownValue(NAMES, stringOf(accumulation));
    // A pipeline of DeepSpeed's own takes bf16 apart from this check, but with one dtype too.
    const version = statedVersion(run, 'deepspeed');
    if (stageOf(run) === 0 && accumulation && wanted !== undefined) {
      const stops = stopsWithoutZero(dtype, wanted, version);
      if (stops) {
        report({
          at: accumulation,
          severity: stops.everywhere ? 'error' : 'warning',
          message: `Without ZeRO, ${stops.takes}, and here ${dtype === 'fp32' ? 'the model' : `the ${dtype} model`} accumulates gradients in ${wanted}; DeepSpeed ${stops.which} when it builds the engine.`,
          fixes: [setFix(config, 'zero_optimization.stage', 1), removeFix(accumulation)],
        });
      }
    }
    const param = setting(config, 'data_types.param_dtype');
    const stated = ownValue(NAMES, stringOf(param));
    if (!param || stated === undefined || stated === dtype || (version && !isAtLeast(version, PARAM_DTYPE_SINCE)))
      return;
    report({
      at: param,
      severity: version ? 'error' : 'warning',
      message: `param_dtype is ${stated}, but the run's precision is ${dtype}; DeepSpeed ${version ?? `${PARAM_DTYPE_SINCE} and later`} ${version ? 'stops' : 'stop'} when it builds the engine.`,
      fixes: [{ ...removeFix(param), preferred: version !== undefined }],
    });
  },
});

/**
 * Up to 0.17.5 a bf16 model without ZeRO has to accumulate in fp32; from 0.17.6 on in bf16 (deepspeed/runtime/engine.py:1361 0.16.9, :2021 0.19.6).
 */
function stopsWithoutZero(
  model: Precision,
  gradients: Precision,
  version: string | undefined,
): { everywhere: boolean; takes: string; which: string } | undefined {
  const same = model === gradients;
  if (model !== 'bf16' || gradients === 'fp16') {
    if (same) return undefined;
    return { everywhere: true, takes: 'gradients are accumulated in the dtype of the model only', which: 'stops' };
  }
  const isOld = version === undefined ? undefined : !isAtLeast(version, BF16_WITHOUT_ZERO);
  if (isOld === same || isOld === undefined) {
    const everywhere = isOld !== undefined;
    return same
      ? {
          everywhere,
          takes: 'a bf16 model needs grad_accum_dtype "fp32"',
          which: everywhere ? 'stops' : `before ${BF16_WITHOUT_ZERO} stops`,
        }
      : {
          everywhere,
          takes: 'gradients are accumulated in the dtype of the model only',
          which: everywhere ? 'stops' : `${BF16_WITHOUT_ZERO} and later stop`,
        };
  }
  return undefined;
}

type Precision = 'fp32' | 'fp16' | 'bf16';

const BF16_WITHOUT_ZERO = '0.17.6';

/** The first release that has the key; earlier ones do not read it. */
const PARAM_DTYPE_SINCE = '0.18.7';

/** Names of torch dtypes that DeepSpeed takes (deepspeed/runtime/config.py:147 0.19.8 DtypeEnum). */
const NAMES: Readonly<Record<string, 'fp32' | 'fp16' | 'bf16'>> = {
  fp32: 'fp32',
  float32: 'fp32',
  float: 'fp32',
  'torch.float32': 'fp32',
  fp16: 'fp16',
  float16: 'fp16',
  half: 'fp16',
  'torch.float16': 'fp16',
  bf16: 'bf16',
  bfloat16: 'bf16',
  'torch.bfloat16': 'bf16',
};

/** The dtype the engine casts the model to, where the file settles it. */
function dtypeOf(config: Config, run: RunOutline): 'fp32' | 'fp16' | 'bf16' | undefined {
  const half = (name: 'bf16' | 'fp16') => {
    const enabled = setting(config, `${name}.enabled`);
    return enabled ? booleanOf(enabled) : false;
  };
  const bf16 = half('bf16');
  if (bf16 === true) return 'bf16';
  const fp16 = half('fp16');
  if (fp16 === true) return 'fp16';
  if (bf16 === undefined || fp16 === undefined || setting(config, 'bfloat16')) return undefined;
  // Accelerate adds the section of its own precision where the file has none.
  const written = setting(config, 'bf16') && setting(config, 'fp16');
  return written || !(isReadByHuggingFace(run) || run.consumers.includes('accelerate')) ? 'fp32' : undefined;
}
