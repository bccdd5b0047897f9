import { basename } from '../../paths';
import type { SourceFile } from '../../source';
import type { MappingNode } from '../../syntax/node';
import type { Recognition } from '../dialect';
import { hasKey, keysIn, mappingAt, rootMapping, valueAt } from '../root';
import { DEEPSPEED_KEYS } from './key-names';

/**
 * A DeepSpeed config by its content: a `zero_optimization` mapping, a micro-batch, a precision section or an optimizer section in
 * DeepSpeed's shape. Names such as `ds_config.json` decide only for files with nothing in them that speaks against it.
 */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined || isAccelerate(root)) return undefined;
  const known = keysIn(root, DEEPSPEED_KEYS).length;
  const total = root.entries.length;
  const reason = contentReason(root, known, total);
  if (reason !== undefined) return { dialect: 'deepspeed', confidence: known * 2 >= total ? 0.95 : 0.7, reason };
  if (known === total && NAMES.test(basename(file.path))) {
    return { dialect: 'deepspeed', confidence: 0.5, reason: `is named ${basename(file.path)} and has no other keys` };
  }
  return undefined;
}

/** File names that held nothing but DeepSpeed configs over 446 repositories. */
const NAMES = /^ds_|deepspeed.*\.json$|zero[_-]?[0-3]/i;

function contentReason(root: MappingNode, known: number, total: number): string | undefined {
  const zero = mappingAt(root, 'zero_optimization');
  // One foreign key among few of ours is a slip; a majority of them is another tool's file that embeds a section.
  const isMostlyOurs = known * 2 >= total;
  if (zero !== undefined && (isMostlyOurs || hasKey(zero, 'stage'))) {
    return hasKey(zero, 'stage') ? 'has `zero_optimization` with a `stage`' : 'has a `zero_optimization` section';
  }
  if (!isMostlyOurs) return undefined;
  if (valueAt(root, 'train_micro_batch_size_per_gpu') !== undefined) return 'has `train_micro_batch_size_per_gpu`';
  const precision = ['fp16', 'bf16'].find((key) => {
    const section = mappingAt(root, key);
    return section !== undefined && hasKey(section, 'enabled');
  });
  if (precision !== undefined && known >= 2) return `has a \`${precision}\` section with \`enabled\``;
  const optimizer = mappingAt(root, 'optimizer');
  const isShaped = optimizer !== undefined && hasKey(optimizer, 'type') && mappingAt(optimizer, 'params') !== undefined;
  return isShaped && total - known <= 1 ? 'has an `optimizer` section with `type` and `params`' : undefined;
}

function isAccelerate(root: MappingNode): boolean {
  return hasKey(root, 'compute_environment') || hasKey(root, 'distributed_type');
}
