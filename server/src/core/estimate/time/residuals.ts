// Written by `node test/bench/accuracy/run.mjs --bands` on 2026-11-21 at commit 894cd81, from test/bench/accuracy/points.json.

/** Kinds of run that published step times were found of; `unfitted` of a GPU that no constant was fitted on. */
export type TimeClass = 'plain' | 'split' | 'unfitted';

/** Fifth and ninety-fifth percentile of measured ÷ predicted, over what the GPUs do; each source weighs the same. */
export const TIME_RESIDUALS: Readonly<Record<TimeClass, { readonly low: number; readonly high: number }>> = {
  // 225 of torchtitan, torchtune, llm-foundry, fms-fsdp, InternEvo.
  plain: { low: 0.716, high: 1.396 },
  // 94 of torchtitan, BLOOM, InternEvo, Korthikanti et al..
  split: { low: 0.787, high: 1.271 },
  // 13 of PEFT benchmark, Hugging Face docs.
  unfitted: { low: 0.657, high: 1.523 },
};
