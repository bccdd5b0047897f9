import { BELOW_STAGE_3, GATHERS_SLICES, STAGE_3_TUNING } from '../dialects/deepspeed/stage-keys';
import { type Known, known, valueIfKnown } from '../run/known';
import type { OffloadDevice, TrainingRun, ZeroSharding } from '../run/training-run';
import { booleanOf, isAuto, numberOf, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { launcherWrite } from './launcher';
import { type Dimension, lastPart, type Move, type Write, writeTo } from './move';
import { offloadOff } from './offload';
import { isOpen, TRIED } from './settled';
import { withItsOptimizer, withZero, zeroOf } from './sharding';

const STAGES = [0, 1, 2, 3] as const;

/** The other ZeRO stages, where several ranks share the states. Keys that only the other stages read go with it. */
export const zeroStage: Dimension = (run, note) => {
  const zero = zeroOf(run);
  if (!zero || !isOpen(run, 'ZeRO stage', [zero.stage], note) || !zero.stage.known) return [];
  const { data, pipeline } = run.parallelism;
  if (!data.known || data.value < 2) return [];
  const now = zero.stage.value;
  // ZeRO-2 and 3 do not run together with pipeline stages (deepspeed/runtime/pipe/engine.py:75, 0.19.6).
  const most = pipeline.known && pipeline.value > 1 ? 1 : 3;
  return STAGES.filter((stage) => stage !== now && stage <= most).flatMap((stage): Move[] => {
    const write = stageWrite(run, stage);
    if (!write || (stage < 3 && isQuantised(run))) return [];
    // Below stage 3 offload_param is ignored, so it goes with the stage.
    const lost = stage < 3 && zero.offloadParam.known && zero.offloadParam.value !== 'none';
    const removed = lost ? offloadOff(run, 'param') : undefined;
    // Leftovers that the stage of now does not read either are none of this move's business.
    const unread = (now === 3) === (stage === 3) ? [] : unreadAt(run, stage);
    const gathers = stage === 3 ? gatherWrite(run, zero) : undefined;
    const also = [removed && lowered(removed.title), gathers && `${lastPart(gathers.key)} to true`].filter(
      (part) => part !== undefined,
    );
    const names = unread.length > 2 ? `${unread.length} keys` : unread.map(({ key }) => lastPart(key)).join(' and ');
    const without = unread.length > 0 ? `, without ${names} that stage ${stage} does not read` : '';
    return [
      {
        dimension: 'ZeRO stage',
        title: [`Set ${lastPart(write.key)} to ${stage}`, ...also].join(' and ') + without,
        training: 'same',
        writes: [write, ...(removed?.writes ?? []), ...unread, ...(gathers ? [gathers] : [])],
        apply: (it) => atStage(it, stage, gathers !== undefined),
      },
    ];
  });
};

function lowered(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1);
}

/** In the DeepSpeed file where there is one, else where `accelerate launch` reads it. */
function stageWrite(run: TrainingRun, stage: number): Write | undefined {
  const { deepspeed } = run.configs;
  return deepspeed
    ? writeTo(deepspeed, 'zero_optimization.stage', stage)
    : launcherWrite(run, 'deepspeed_config', 'zero_stage', stage);
}

/** ZeRO++ sends fewer bits at stage 3: without it the training would be another. */
function isQuantised({ configs: { deepspeed } }: TrainingRun): boolean {
  const keys = ['zero_quantized_weights', 'zero_quantized_gradients', 'zero_quantized_nontrainable_weights'];
  return keys.some((key) => deepspeed && booleanOf(setting(deepspeed, `zero_optimization.${key}`)) === true);
}

function unreadAt({ configs: { deepspeed }, parallelism }: TrainingRun, stage: number): Write[] {
  if (!deepspeed) return [];
  const isSplit = (valueIfKnown(parallelism.tensor) ?? 1) > 1;
  const tuning = stage === 3 ? BELOW_STAGE_3 : STAGE_3_TUNING.filter((key) => !(isSplit && key === GATHERS_SLICES));
  const groups =
    stage === 3 ? [] : ['zero_hpz_partition_size', 'mics_shard_size'].filter((key) => isGroup(deepspeed, key));
  return [...tuning, ...groups].flatMap((key) => {
    const found = setting(deepspeed, `zero_optimization.${key}`);
    return found && !isAuto(found) && booleanOf(found) !== false ? [writeTo(deepspeed, found.path, undefined)] : [];
  });
}

function isGroup(deepspeed: Config, key: string): boolean {
  return (numberOf(setting(deepspeed, `zero_optimization.${key}`)) ?? 0) > 1;
}

/** Checkpoints of the Trainer hold shards only at stage 3, unless told to gather (transformers src/transformers/trainer.py:4008, 5.18.0). */
function gatherWrite(run: TrainingRun, { gatherWeightsOnSave: gathers }: ZeroSharding): Write | undefined {
  const { deepspeed, accelerate } = run.configs;
  const isSaved = valueIfKnown(run.consumer) === 'trainer' && valueIfKnown(run.saves) === true && !run.lora;
  if (!isSaved || !gathers.known || gathers.value) return undefined;
  if (deepspeed) return writeTo(deepspeed, 'zero_optimization.stage3_gather_16bit_weights_on_model_save', true);
  return accelerate && launcherWrite(run, 'deepspeed_config', 'zero3_save_16bit_model', true);
}

/** What stage 3 alone does. */
const BELOW: Pick<ZeroSharding, 'hpzPartitionRanks' | 'micsShardRanks'> = {
  hpzPartitionRanks: known(1, TRIED),
  micsShardRanks: known(-1, TRIED),
};

function atStage(run: TrainingRun, stage: 0 | 1 | 2 | 3, gathers: boolean): TrainingRun {
  const shard = stage === 0 ? known(1, TRIED) : run.parallelism.data;
  const changed = withZero(run, (zero) => ({
    ...zero,
    stage: known(stage, TRIED),
    overlapComm: overlapAt(zero, stage),
    ...offloadsAt(run, zero, stage),
    ...(stage < 3 && BELOW),
    ...(gathers && { gatherWeightsOnSave: known(true, TRIED) }),
  }));
  return { ...withItsOptimizer(changed), parallelism: { ...run.parallelism, shard } };
}

/** Weights are offloaded at stage 3 only, states from stage 1 on: what sleeps in the file wakes with the stage, and the other way round. */
function offloadsAt(
  run: TrainingRun,
  zero: ZeroSharding,
  stage: number,
): Pick<ZeroSharding, 'offloadOptimizer' | 'offloadParam'> {
  const now = valueIfKnown(zero.stage) ?? stage;
  const at = (what: 'optimizer' | 'param', least: number, fact: Known<OffloadDevice>): Known<OffloadDevice> => {
    if (stage < least) return known('none', TRIED);
    return now < least ? known(deviceOf(run, what), TRIED) : fact;
  };
  return {
    offloadOptimizer: at('optimizer', 1, zero.offloadOptimizer),
    offloadParam: at('param', 3, zero.offloadParam),
  };
}

/** The device that the files name, whether the stage reads it or not. */
function deviceOf({ configs: { deepspeed, accelerate } }: TrainingRun, what: 'optimizer' | 'param'): OffloadDevice {
  const found = deepspeed
    ? setting(deepspeed, `zero_optimization.offload_${what}.device`)
    : accelerate && setting(accelerate, `deepspeed_config.offload_${what}_device`);
  const device = stringOf(found);
  return device === 'cpu' || device === 'nvme' ? device : 'none';
}

/** Stage 3 overlaps unless told otherwise (deepspeed/runtime/zero/config.py:349, 0.19.6). */
function overlapAt(zero: ZeroSharding, stage: number): Known<boolean> {
  const { overlapComm } = zero;
  return overlapComm.known && overlapComm.origin.kind === 'default' ? known(stage === 3, TRIED) : overlapComm;
}
