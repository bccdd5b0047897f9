import type { SourceFile } from '../../source';
import { lookup, type MappingNode, type Node } from '../../syntax/node';
import type { Recognition } from '../dialect';
import { becauseOf, hasKey, keysIn, rootMapping } from '../root';

/** A JSON file for the Trainer's `fsdp_config`. There is no YAML form: the Trainer reads it with json.load. */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined || file.tree.format !== 'json') return undefined;
  if (OTHERS.some((key) => hasKey(root, key))) return undefined;
  const strong = keysIn(root, DISTINCTIVE);
  const known = strong.length + keysIn(root, SHARED).length;
  // Keys such as `_description` are comments of people whose format has none.
  const total = root.entries.filter((entry) => !entry.key.startsWith('_')).length;
  if (strong.length === 0 || known * 2 < total) return undefined;
  if (strong.length === 1 && total === 1 && !isFsdpValue(root, strong[0])) return undefined;
  return { dialect: 'fsdp', confidence: 0.9, reason: becauseOf(strong, known - strong.length, 'FSDP keys') };
}

/** Keys of the Trainer's fsdp_config with and without their prefix (transformers training_args.py 4.57.6 and 5.18.0). */
const DISTINCTIVE: ReadonlySet<string> = new Set(
  [
    ...withPrefix('transformer_layer_cls_to_wrap auto_wrap_policy backward_prefetch backward_prefetch_policy'),
    ...withPrefix('forward_prefetch limit_all_gathers cpu_ram_efficient_loading reshard_after_forward'),
    ...withPrefix('sync_module_states use_orig_params sharding_strategy state_dict_type offload_params'),
    'fsdp_activation_checkpointing fsdp_min_num_params fsdp_version xla_fsdp_settings xla_fsdp_grad_ckpt xla_fsdp_v2',
  ].flatMap((words) => words.split(' ')),
);

const SHARED: ReadonlySet<string> = new Set(
  'activation_checkpointing activation_cpu_offload cpu_offload min_num_params mixed_precision mixed_precision_policy version xla'.split(
    ' ',
  ),
);

/** Keys that make it another dialect's file. */
const OTHERS = ['compute_environment', 'distributed_type', 'zero_optimization', 'model_type', 'fsdp', '$schema'];

function withPrefix(words: string): string[] {
  return words.split(' ').flatMap((word) => [word, `fsdp_${word}`]);
}

/** A single `forward_prefetch: true` elsewhere is no FSDP config; a layer class name or an `fsdp_` key is. */
function isFsdpValue(root: MappingNode, key: string | undefined): boolean {
  if (key === undefined) return false;
  const value: Node | undefined = lookup(root, key)?.value;
  return /fsdp|cls_to_wrap/.test(key) && value !== undefined;
}
