import { estimateMemory } from '../estimate/memory/index';
import type { FileEdit, Fix } from '../findings';
import { type Known, known, type Origin } from '../run/known';
import type { TrainingRun, ZeroSharding } from '../run/training-run';
import { isAuto, numberOf, setting } from '../settings';
import type { Config } from '../source';
import { setPath } from '../syntax/editing';
import { bandOfCapacity } from './memory-words';

/** A run with one setting changed, and the edit that changes it. */
interface Change {
  readonly title: string;
  readonly run: TrainingRun;
  readonly edits: readonly FileEdit[];
}

const TRIED: Origin = { kind: 'assumed', because: 'tried, to see whether it fits' };

/**
 * The single edits after which the run surely fits: each changed run is estimated again, and offered only when the high
 * end of its band fits. None is preferred, since each trades something away.
 */
export function fixesThatFit(run: TrainingRun): Omit<Fix, 'preferred'>[] {
  return changesOf(run).flatMap(({ title, run: changed, edits }) => {
    const { memory } = estimateMemory(changed);
    if (edits.length === 0 || !memory || memory.fits !== true) return [];
    return [{ title: `${title} (${bandOfCapacity(memory)})`, edits }];
  });
}

function changesOf(run: TrainingRun): Change[] {
  return [...recomputation(run), ...smallerBatch(run), ...higherStages(run)];
}

/** A config of the run whose key decides this fact: it wrote it, or nobody did and the default counts. */
function decides(fact: Known<unknown>, config: Config | undefined): config is Config {
  if (!config || !fact.known) return false;
  return fact.origin.kind === 'default' || (fact.origin.kind === 'file' && fact.origin.path === config.file.path);
}

function recomputation(run: TrainingRun): Change[] {
  const { trainer } = run.configs;
  if (!run.checkpointing.known || run.checkpointing.value !== 'none' || !decides(run.checkpointing, trainer)) return [];
  return [
    {
      title: 'Turn on gradient_checkpointing',
      run: { ...run, checkpointing: known('full', TRIED) },
      edits: setPath(trainer.file, trainer.root, 'gradient_checkpointing', true),
    },
  ];
}

/** Micro-batch 1 with as much more accumulation, so that the global batch stays. */
function smallerBatch(run: TrainingRun): Change[] {
  const { micro, accumulation } = run.batch;
  const { trainer, deepspeed } = run.configs;
  if (!micro.known || !accumulation.known || micro.value <= 1) return [];
  const batch = { ...run.batch, micro: known(1, TRIED), accumulation: known(accumulation.value * micro.value, TRIED) };
  const steps = accumulation.value * micro.value;
  const keys = ['train_micro_batch_size_per_gpu', 'gradient_accumulation_steps'] as const;
  const titleOf = (size: string) =>
    `Set ${size} to 1 and gradient_accumulation_steps to ${steps}, with the same global batch`;
  if (decides(micro, trainer) && decides(accumulation, trainer)) {
    // A number in the DeepSpeed file has to be equal, so one edit here would not do.
    if (deepspeed && keys.some((key) => setting(deepspeed, key) && !isAuto(setting(deepspeed, key)))) return [];
    const edits = [
      ...setPath(trainer.file, trainer.root, 'per_device_train_batch_size', 1),
      ...setPath(trainer.file, trainer.root, 'gradient_accumulation_steps', steps),
    ];
    return apart(edits) ? [{ title: titleOf('per_device_train_batch_size'), run: { ...run, batch }, edits }] : [];
  }
  if (trainer || !deepspeed || !keys.every((key) => numberOf(setting(deepspeed, key)) !== undefined)) return [];
  const edits = keys.flatMap((key, index) => setPath(deepspeed.file, deepspeed.root, key, index === 0 ? 1 : steps));
  return apart(edits) ? [{ title: titleOf('train_micro_batch_size_per_gpu'), run: { ...run, batch }, edits }] : [];
}

/** Two insertions at one place would come in either order; they are left out. */
function apart(edits: readonly FileEdit[]): boolean {
  return new Set(edits.map(({ start }) => start)).size === edits.length;
}

/** The next higher ZeRO stages, where several ranks can share the states. */
function higherStages(run: TrainingRun): Change[] {
  const { sharding, parallelism } = run;
  const { deepspeed, accelerate } = run.configs;
  if (!sharding.known || sharding.value.kind !== 'zero') return [];
  const zero = sharding.value;
  const { stage } = zero;
  if (!stage.known || stage.value === 3 || !parallelism.data.known || parallelism.data.value < 2) return [];
  // ZeRO-2 and 3 do not run together with pipeline stages.
  if (parallelism.pipeline.known && parallelism.pipeline.value > 1) return [];
  const place = deepspeed
    ? ([deepspeed, 'zero_optimization.stage'] as const)
    : accelerate
      ? ([accelerate, 'deepspeed_config.zero_stage'] as const)
      : undefined;
  if (!place || !decides(stage, place[0])) return [];
  const [config, path] = place;
  return ([2, 3] as const)
    .filter((next) => next > stage.value)
    .map((next) => ({
      title: `Set ${path.split('.').pop()} to ${next}`,
      run: atStage(run, zero, next),
      edits: setPath(config.file, config.root, path, next),
    }));
}

function atStage(run: TrainingRun, zero: ZeroSharding, stage: 2 | 3): TrainingRun {
  // Stage 3 overlaps unless told otherwise (deepspeed/runtime/zero/config.py).
  const overlapComm =
    stage === 3 && zero.overlapComm.known && zero.overlapComm.origin.kind === 'default'
      ? known(true, TRIED)
      : zero.overlapComm;
  return {
    ...run,
    sharding: known({ ...zero, stage: known(stage, TRIED), overlapComm }, TRIED),
    parallelism: { ...run.parallelism, shard: run.parallelism.data },
  };
}
