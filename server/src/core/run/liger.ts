import { TRAINER_DEFAULTS } from '../dialects/trainer/defaults';
import { argumentOr } from '../dialects/trainer/read';
import { type Known, known } from './known';
import type { RunSources } from './sources';
import { booleanFrom, numberFrom } from './written';

type Sources = Pick<RunSources, 'args' | 'model'>;

/** Model types whose loss Liger makes with the head unless told otherwise (liger_kernel/transformers/monkey_patch.py, 0.8.5). */
const FUSES_LOSS: ReadonlySet<string> = new Set(
  `deepseek_v2 deepseek_v3 deepseek_v4 gemma gemma2 gemma3_text gemma3 gemma4_text gemma4 glm4 glm4v glm4v_moe gpt_oss internvl llama
  llama4_text llama4 llava mllama mllama_text_model ministral mistral mixtral muse_glimmer nemotron olmo2 olmo3 qwen2 qwen3 qwen3_moe
  qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text qwen3_next qwen3_5 qwen3_5_text qwen3_5_moe qwen3_5_moe_text qwen3_vl qwen3_vl_text
  qwen3_vl_moe qwen3_vl_moe_text smollm3 phi3 paligemma falcon_h1 smolvlm hunyuan_v1_dense hunyuan_v1_moe exaone4`.split(
    /\s+/,
  ),
);

/** Whether the Trainer puts Liger's kernels in place of the model's own. */
export function readLiger({ args }: Pick<Sources, 'args'>): Known<boolean> {
  return argumentOr(args, TRAINER_DEFAULTS.useLigerKernel, 'use_liger_kernel', 'use_liger');
}

/** Whether Liger makes the loss, where its kernels are used: for a model it knows, unless `liger_kernel_config` says otherwise. */
export function readLigerLoss({ args, model }: Sources, liger: Known<boolean>): Known<boolean> {
  const written = args.get('liger_kernel_config.fused_linear_cross_entropy');
  if (written && written.plain !== null) return booleanFrom(written);
  if (!model.known || FUSES_LOSS.has(model.value.modelType) || !liger.known) return liger;
  const formula = `Liger has no loss of its own for ${model.value.modelType}`;
  return known(false, { kind: 'derived', formula, from: [liger.origin, model.origin] });
}

/** Labels are taken out of what the model sees where they are smoothed, and so every logit is made (transformers trainer.py, compute_loss). */
export function smoothsLabels({ args }: Pick<Sources, 'args'>): Known<boolean> | undefined {
  const written = args.get('label_smoothing_factor');
  const factor = written && numberFrom(written);
  return factor?.known && factor.value > 0 ? known(false, factor.origin) : undefined;
}
