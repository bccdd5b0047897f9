import type { LinkVerdict } from '../estimate/estimate';
import { linkIfUsed } from '../estimate/time/index';
import type { Fix } from '../findings';
import type { Known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { numberOf, type Setting, setting } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';

type Dimension = 'tensor' | 'expert' | 'context';

const KEYS: Readonly<Record<Dimension, readonly string[]>> = {
  tensor: [
    'tensor_parallel.autotp_size',
    // Of optimum-neuron's training arguments.
    'tensor_parallel_size',
    'parallelism_config.parallelism_config_tp_size',
    'megatron_lm_config.megatron_lm_tp_degree',
  ],
  expert: ['expert_parallel.autoep_size', 'megatron_lm_config.megatron_lm_expert_model_parallel_size'],
  context: [
    'sequence_parallel_size',
    'parallelism_config.parallelism_config_cp_size',
    'parallelism_config.parallelism_config_sp_size',
    'megatron_lm_config.megatron_lm_context_parallel_size',
  ],
};

/** The setting of this config that gives the dimension this size. */
export function sizeSetting(config: Config, dimension: Dimension, size: Known<number>): Setting | undefined {
  if (!size.known || size.value < 2) return undefined;
  for (const key of KEYS[dimension]) {
    const found = setting(config, key);
    if (found && numberOf(found) === size.value) return found;
  }
  return undefined;
}

/** The link a dimension uses where its speed is known; undefined where it had to be assumed. */
export function sureLink(run: TrainingRun, dimension: Dimension, ranks: number): LinkVerdict | undefined {
  if (!run.cluster.known) return undefined;
  const verdict = linkIfUsed(run, dimension, ranks);
  const { intra, inter } = run.cluster.value;
  const link = verdict?.crossesNodes ? inter : intra;
  return link.basis === 'assumed' || link.kind === 'none' ? undefined : verdict;
}

/** Sets the tensor size to the largest of these that divides the ranks and every head count of the model. */
export function tensorFix(run: TrainingRun, written: Setting, sizes: readonly number[]): Omit<Fix, 'preferred'>[] {
  return sizeFix(run, written, 'tensor', sizes, divides);
}

/** Keeps a group inside a node: the largest size below that divides the node, the ranks and what is spread. */
export function insideNodeFix(
  run: TrainingRun,
  written: Setting,
  dimension: 'expert' | 'context',
): Omit<Fix, 'preferred'>[] {
  if (!run.cluster.known) return [];
  const { gpusPerNode } = run.cluster.value;
  const sizes = Array.from({ length: gpusPerNode - 1 }, (_, i) => gpusPerNode - i).filter(
    (size) => gpusPerNode % size === 0,
  );
  return sizeFix(run, written, dimension, sizes, dimension === 'expert' ? dividesExperts : divides);
}

function sizeFix(
  run: TrainingRun,
  { node, config, path }: Setting,
  dimension: Dimension,
  sizes: readonly number[],
  fits: (run: TrainingRun, ranks: number) => boolean,
): Omit<Fix, 'preferred'>[] {
  const size = sizes.find((ranks) => fits(run, ranks));
  if (!node || size === undefined) return [];
  const link = size === 1 ? undefined : linkIfUsed(run, dimension, size);
  const effect = link ? ` (${link.label.replace(/: (good|caution|bad)$/, '')})` : '';
  return [{ title: `Set ${path.split('.').pop()} to ${size}${effect}`, edits: replaceValue(config.file, node, size) }];
}

function dividesExperts({ worldSize, model }: TrainingRun, ranks: number): boolean {
  if (worldSize.known && worldSize.value % ranks !== 0) return false;
  const experts = model.known ? model.value.blocks.flatMap(({ mlp }) => mlp?.moe?.experts ?? []) : [];
  return experts.every((count) => count % ranks === 0);
}

function divides({ worldSize, model }: TrainingRun, ranks: number): boolean {
  if (worldSize.known && worldSize.value % ranks !== 0) return false;
  const heads = model.known ? model.value.blocks.flatMap(({ attention }) => attention?.heads ?? []) : [];
  return heads.every((count) => count % ranks === 0);
}
