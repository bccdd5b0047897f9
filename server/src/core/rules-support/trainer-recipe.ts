import { readArguments } from '../dialects/trainer/read';
import type { Severity } from '../findings';
import { booleanOf, isTemplated, numberOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';

/** A small Trainer file with further lines, for examples. */
export function recipe(lines: string): string {
  return `output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\n${lines}`;
}

/** The same for TRL's supervised fine-tuning. */
export function trlRecipe(lines: string): string {
  return recipe(`dataset_name: trl-lib/Capybara\npacking: false\n${lines}`);
}

/**
 * How loud a finding is that rests on what a Trainer file leaves out. A file with an output_dir is taken for the whole of
 * the arguments: as it stands, the job stops. A file without one is filled up by its script.
 */
export function severityOfAbsence(config: Config): Severity {
  return setting(config, 'output_dir') ? 'error' : 'warning';
}

/** A strategy of TrainingArguments: the written word, or the default where the key is absent. */
export interface Strategy {
  readonly word: string;
  readonly written: Setting | undefined;
}

/** `eval_strategy` under either of its names; undefined where what is written proves nothing. */
export function evalStrategyOf(config: Config): Strategy | undefined {
  return strategyIn(config, setting(config, 'eval_strategy') ?? setting(config, 'evaluation_strategy'), 'no');
}

/** `save_strategy`; undefined where what is written proves nothing. */
export function saveStrategyOf(config: Config): Strategy | undefined {
  return strategyIn(config, setting(config, 'save_strategy'), 'steps');
}

/** `logging_strategy`; undefined where what is written proves nothing. */
export function loggingStrategyOf(config: Config): Strategy | undefined {
  return strategyIn(config, setting(config, 'logging_strategy'), 'steps');
}

const WORDS = new Set(['no', 'steps', 'epoch', 'best']);

function strategyIn(config: Config, written: Setting | undefined, fallback: string): Strategy | undefined {
  if (!written) return isSpread(config) ? undefined : { word: fallback, written };
  const word = isTemplated(written) ? undefined : stringOf(written);
  return word !== undefined && WORDS.has(word) ? { word, written } : undefined;
}

/** A file that pulls in others (hydra's `defaults`, YAML merges): what is absent here may be set there. */
export function isSpread(config: Config): boolean {
  return config.root.entries.some(({ key }) => key === 'defaults' || key === '_base_' || key === 'base_config');
}

/** The number a key has: written, or the default where it is absent; undefined where what is written proves nothing. */
export function numberOr(config: Config, key: string, fallback: number): number | undefined {
  const written = setting(config, key);
  return written ? numberOf(written) : isSpread(config) ? undefined : fallback;
}

/** True where the key is written as true. */
export function isTrue(config: Config, key: string): boolean {
  return booleanOf(setting(config, key)) === true;
}

/** Whether the keys of the file are TRL's: its configs have other defaults than TrainingArguments. */
export function isTrl(config: Config): boolean {
  return readArguments(config, undefined).trl;
}

/** A key that is there and not null. */
export function isSet(config: Config, key: string): boolean {
  const found = setting(config, key);
  return found?.node !== undefined && !(found.node.kind === 'scalar' && found.node.scalar.type === 'null');
}

/** The setting that switches recomputation on or off: transformers 5.23 has a new name for it, which wins. */
export function checkpointingSetting(config: Config): Setting | undefined {
  return setting(config, 'activation_checkpointing') ?? setting(config, 'gradient_checkpointing');
}

/** The arguments of the recomputation, under either name. */
export function checkpointingArguments(config: Config): Setting | undefined {
  return setting(config, 'activation_checkpointing_kwargs') ?? setting(config, 'gradient_checkpointing_kwargs');
}
