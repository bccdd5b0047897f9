// Written by `node test/bench/accuracy/run.mjs --bands` on 2026-11-21 at commit 3524ea5, from test/bench/accuracy/points.json.

/** Kinds of run that published step times were found of; `unfitted` of a GPU that no constant was fitted on, `unmeasured` of a generation without published steps, `unseen` of another vendor. */
export type TimeClass = 'plain' | 'split' | 'unfitted' | 'unmeasured' | 'unseen';

/** Fifth and ninety-fifth percentile of measured ÷ predicted, over what the GPUs do; each source weighs the same. */
export const TIME_RESIDUALS: Readonly<Record<TimeClass, { readonly low: number; readonly high: number }>> = {
  // 225: torchtitan, torchtune, llm-foundry, fms-fsdp, InternEvo
  plain: { low: 0.83, high: 1.205 },
  // 96: torchtitan, BLOOM, InternEvo, Korthikanti et al.
  split: { low: 0.787, high: 1.271 },
  // 13: PEFT benchmark, Hugging Face docs
  unfitted: { low: 0.694, high: 1.44 },
  // none; widened by those of other classes
  unmeasured: { low: 0.617, high: 1.621 },
  // none; widened by those of other classes
  unseen: { low: 0.56, high: 1.787 },
};
