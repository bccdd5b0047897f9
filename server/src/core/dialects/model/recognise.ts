import type { SourceFile } from '../../source';
import type { Recognition } from '../dialect';
import { hasKey, keysIn, rootMapping, textAt, valueAt } from '../root';

/** A model's `config.json` in Hugging Face format: a model type or a list of architectures, and sizes of its layers. */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined || file.tree.format !== 'json' || hasKey(root, 'peft_type')) return undefined;
  const type = textAt(root, 'model_type');
  const hasArchitectures = valueAt(root, 'architectures')?.kind === 'sequence';
  if (type === undefined && !hasArchitectures) return undefined;
  const sizes = keysIn(root, SIZES);
  if (sizes.length === 0 || (type === undefined && sizes.length < 2)) return undefined;
  const named = type === undefined ? '`architectures`' : `\`model_type\` ${type}`;
  return { dialect: 'model', confidence: type === undefined ? 0.8 : 0.95, reason: `has ${named} and \`${sizes[0]}\`` };
}

/** Sizes as the model classes of transformers name them; composed models keep theirs in a section for each part. */
const SIZES: ReadonlySet<string> = new Set(
  [
    'hidden_size num_hidden_layers num_attention_heads intermediate_size n_embd n_layer n_head d_model num_layers dim n_layers',
    'ffn_dim d_ff text_config llm_config language_config vision_config encoder decoder thinker_config hidden_sizes',
  ].flatMap((words) => words.split(' ')),
);
