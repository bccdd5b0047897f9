// Written by `node test/bench/accuracy/run.mjs --bands` on 2026-11-21 at commit 3524ea5, from test/bench/accuracy/points.json.

/** Kinds of run that published measurements were found of. */
export type ResidualClass = 'plain' | 'compiled' | 'streams' | 'quantised' | 'split';

/** Fifth and ninety-fifth percentile of measured ÷ predicted, over what comes and goes; each source weighs the same. */
export interface Residual {
  readonly low: number;
  readonly high: number;
}

/** `counted` of what torch calls allocated, `reserved` of that and what its allocator keeps. */
export const RESIDUALS: Readonly<Record<ResidualClass, { readonly counted: Residual; readonly reserved: Residual }>> = {
  // allocated: 10 of torchtune, litgpt; reserved or shown by the driver: 5 of Hugging Face docs, widened by those of other classes.
  plain: { counted: { low: 0.985, high: 1.065 }, reserved: { low: 0.829, high: 1.171 } },
  // allocated: 1 of torchtune, widened by those of other classes; reserved or shown by the driver: 3 of torchtitan, widened by those of other classes.
  compiled: { counted: { low: 0.703, high: 1.297 }, reserved: { low: 0.865, high: 1.135 } },
  // allocated: 3 of training-on-eks, widened by those of other classes; reserved or shown by the driver: 4 of training-on-eks, PEFT docs, widened by those of other classes.
  streams: { counted: { low: 0.897, high: 1.103 }, reserved: { low: 0.865, high: 1.135 } },
  // allocated: 8 of litgpt, widened by those of other classes; reserved or shown by the driver: 3 of PEFT docs, widened by those of other classes.
  quantised: { counted: { low: 0.845, high: 1.155 }, reserved: { low: 0.798, high: 1.202 } },
  // allocated: none, widened by those of other classes; reserved or shown by the driver: 56 of BLOOM, widened by those of other classes.
  split: { counted: { low: 0.801, high: 1.199 }, reserved: { low: 0.797, high: 1.214 } },
};
