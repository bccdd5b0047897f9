import { isTrue, recipe } from '../rules-support/trainer-recipe';
import type { TrainingRun } from '../run/training-run';
import { setting, stringOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

const HALF = recipe('fp16: true\nmodel_name_or_path: openai/whisper-large-v3\n').replace('bf16: true', 'bf16: false');

/** Reports fp16 mixed precision over weights that are fp16 already. */
export const halfWeightsWithLossScaling = rule({
  id: 'half-weights-with-loss-scaling',
  severity: 'error',
  applies: ['trainer'],
  needs: ['fp16'],
  why: 'fp16: true keeps fp32 weights and scales the loss. Weights loaded in float16 get float16 gradients, which the scaler refuses with "Attempting to unscale FP16 gradients" at the first step. Transformers 5 loads a checkpoint in its own type where nothing names another.',
  source: [
    'torch/amp/grad_scaler.py:279 (2.13.0) _unscale_grads_',
    'transformers src/transformers/modeling_utils.py:4178 (5.23.0) the dtype of the checkpoint where none is given',
    'https://github.com/huggingface/transformers/issues/23165',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: recipe('packing: false\nfp16: true\ndtype: float16\n').replace('bf16: true', 'bf16: false'),
      },
      { files: { 'train.yaml': HALF, 'requirements.txt': 'transformers==5.23.0\n' } },
    ],
    good: [
      {
        files: recipe('packing: false\nfp16: true\ndtype: float32\n').replace('bf16: true', 'bf16: false'),
      },
      {
        files: recipe('packing: false\nfp16: true\ndtype: float16\nuse_peft: true\n').replace(
          'bf16: true',
          'bf16: false',
        ),
      },
      { files: { 'train.yaml': HALF, 'requirements.txt': 'transformers==4.57.6\n' } },
      { files: HALF },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const fp16 = setting(config, 'fp16');
    if (!fp16?.node || !isTrue(config, 'fp16')) return;
    const dtype = ['dtype', 'torch_dtype', 'model_init_kwargs.dtype', 'model_init_kwargs.torch_dtype']
      .map((path) => setting(config, path))
      .find((one) => one !== undefined);
    const isHalf = dtype?.node && /^(?:torch\.)?(?:float16|half)$/.test(stringOf(dtype) ?? '');
    if (!isHalf && !(dtype === undefined && isLoadedAsHalf(context.wholeRun))) return;
    // Adapters are kept in fp32 by PEFT, FSDP upcasts what it trains, and DeepSpeed scales in its own way.
    const adapters =
      run.lora !== undefined || context.wholeRun.quantization !== undefined || isTrue(config, 'use_peft');
    if (adapters || run.configs.deepspeed || setting(config, 'deepspeed') || setting(config, 'fsdp')) return;
    if (!run.sharding.known && run.configs.accelerate) return;
    if (run.sharding.known && run.sharding.value.kind !== 'ddp' && run.sharding.value.kind !== 'single') return;
    if (!dtype?.node) {
      report({
        at: fp16,
        // The script may pass a dtype that no file shows.
        severity: 'warning',
        message: `fp16 scales the loss of fp32 weights, but transformers 5 loads ${run.model.known ? run.model.value.name : 'the model'} in float16, as it is stored, unless the script names another dtype; the first step then stops with "Attempting to unscale FP16 gradients".`,
      });
      return;
    }
    report({
      at: [fp16, dtype],
      // A launcher that no file shows may still start FSDP or DeepSpeed.
      severity: run.sharding.known && run.sharding.origin.kind !== 'assumed' ? 'error' : 'warning',
      message: `fp16 scales the loss of fp32 weights, but ${dtype.path} loads them in float16; the first step stops with "Attempting to unscale FP16 gradients".`,
      fixes: [
        { title: `Set ${dtype.path} to "float32"`, edits: replaceValue(config.file, dtype.node, 'float32') },
        {
          title: 'Compute in bf16 instead',
          edits: [
            ...replaceValue(config.file, fp16.node, false),
            ...replaceValue(config.file, dtype.node, 'bfloat16'),
            ...setPath(config.file, config.root, 'bf16', true),
          ],
        },
      ],
    });
  },
});

/** Transformers 5 is pinned, and the checkpoint is stored in float16. */
function isLoadedAsHalf({ precision: { weights } }: TrainingRun): boolean {
  return weights.known && weights.value === 'fp16' && weights.origin.kind === 'derived';
}
