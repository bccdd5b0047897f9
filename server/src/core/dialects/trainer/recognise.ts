import type { SourceFile } from '../../source';
import type { MappingNode } from '../../syntax/node';
import type { Recognition } from '../dialect';
import { becauseOf, hasKey, keysIn, mappingAt, rootMapping, textAt } from '../root';
import { TRAINING_ARGUMENTS, TRL_KEYS } from './key-names';

/**
 * Arguments of the Hugging Face Trainer or of TRL in a file: several names that only they use, and most keys known. Recipes of
 * frameworks that borrow the names are told apart before this is asked (`foreign/`).
 */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined || STRANGERS.some((key) => hasKey(root, key))) return undefined;
  const strong = keysIn(root, DISTINCTIVE);
  if (strong.length === 0 || root.entries.length === 0) return undefined;
  const known = keysIn(root, TRAINING_ARGUMENTS).length + keysIn(root, TRL_KEYS).length;
  const share = known / root.entries.length;
  if ((strong.length >= 3 && known >= 4 && share >= 0.5) || (strong.length >= 4 && known >= 8 && share >= 0.3)) {
    return {
      dialect: 'trainer',
      confidence: share >= 0.5 ? 0.9 : 0.6,
      reason: becauseOf(strong, known - strong.length, 'Trainer keys'),
    };
  }
  const linked = ['deepspeed', 'fsdp_config'].find(
    (key) => textAt(root, key) !== undefined || mappingAt(root, key) !== undefined,
  );
  if (isFsdpPair(root))
    return { dialect: 'trainer', confidence: 0.6, reason: 'has `fsdp` and an `fsdp_config` section' };
  if (linked !== undefined && strong.length >= 2 && share >= 0.5) {
    return {
      dialect: 'trainer',
      confidence: 0.7,
      reason: becauseOf([linked, ...strong.filter((key) => key !== linked)], 0, 'Trainer keys'),
    };
  }
  return undefined;
}

/** The two FSDP arguments alone in a file, as frameworks above the Trainer read them. */
function isFsdpPair(root: MappingNode): boolean {
  const own = root.entries.filter((entry) => !entry.key.startsWith('_'));
  return own.length === 2 && hasKey(root, 'fsdp') && mappingAt(root, 'fsdp_config') !== undefined;
}

/** Names that are hardly used outside TrainingArguments, TRL and what copies them. */
const DISTINCTIVE: ReadonlySet<string> = new Set(
  [
    'per_device_train_batch_size per_device_eval_batch_size num_train_epochs evaluation_strategy eval_strategy save_strategy',
    'logging_strategy lr_scheduler_type lr_scheduler_kwargs gradient_checkpointing_kwargs overwrite_output_dir save_total_limit',
    'report_to hub_model_id hub_strategy push_to_hub load_best_model_at_end metric_for_best_model warmup_ratio fsdp_config',
    'dataloader_num_workers ddp_find_unused_parameters ddp_timeout logging_steps gradient_checkpointing model_name_or_path',
    'gradient_accumulation_steps deepspeed remove_unused_columns dataloader_pin_memory group_by_length use_liger_kernel',
  ].flatMap((words) => words.split(' ')),
);

/** Keys that make it another dialect's file. */
const STRANGERS = ['compute_environment', 'distributed_type', 'zero_optimization', 'model_type', 'apiVersion'];
