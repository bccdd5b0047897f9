import { recipe } from '../rules-support/trainer-recipe';
import { booleanOf, type Setting, setting, stringOf } from '../settings';
import { renameKey, replaceValue } from '../syntax/editing';
import { rule } from './rule';

const FP16 = (model: string) =>
  recipe(`fp16: true\nmodel_name_or_path: ${model}\n`).replace('bf16: true', 'bf16: false');

/** Reports models trained in bf16 that are to be trained on in fp16. */
export const fp16OnBf16Model = rule({
  id: 'fp16-on-bf16-model',
  severity: 'warning',
  applies: ['trainer', 'deepspeed', 'accelerate'],
  why: 'bf16 reaches to 3e38 and fp16 to 65504. Activations of a model that was trained in bf16 often leave that range, and the loss becomes NaN or 0.',
  source: ['https://github.com/huggingface/transformers/pull/10956', 'https://github.com/QwenLM/Qwen3/issues/670'],
  verified: 'read',
  examples: {
    bad: [{ files: FP16('meta-llama/Llama-3.1-8B') }],
    good: [{ files: recipe('model_name_or_path: meta-llama/Llama-3.1-8B\n') }],
  },
  check({ config, run, report }) {
    if (!run.model.known || !/bfloat16$/.test(run.model.value.dtype ?? '')) return;
    const found = fp16Of();
    if (!found?.node) return;
    const { node } = found;
    const edits =
      config.dialect === 'accelerate'
        ? replaceValue(config.file, node, 'bf16')
        : config.dialect === 'trainer' && !setting(config, 'bf16')
          ? renameKey(config.file, found.entry, 'bf16')
          : [];
    report({
      at: found,
      message: `${run.model.value.name} is stored in bf16, whose numbers leave the range of fp16: the loss may stop being a number. GPUs from Ampere on compute in bf16 at the same speed.`,
      fixes: [{ title: 'Use bf16', edits }],
    });

    function fp16Of(): Setting | undefined {
      const path =
        config.dialect === 'deepspeed' ? 'fp16.enabled' : config.dialect === 'trainer' ? 'fp16' : 'mixed_precision';
      const one = setting(config, path);
      if (config.dialect === 'accelerate') {
        // TrainingArguments' own flags win over the launcher's.
        return !run.configs.trainer && stringOf(one) === 'fp16' ? one : undefined;
      }
      return booleanOf(one) === true ? one : undefined;
    }
  },
});
