import { ownValue } from '../../own-value';
import { type Known, known, type Origin, unknown } from '../../run/known';
import { isOlder, type RunSources } from '../../run/sources';
import type { Dtype, OffloadDevice, ZeroSharding } from '../../run/training-run';
import {
  booleanFrom,
  byDefault,
  choiceFrom,
  countFrom,
  isAutoText,
  numberFrom,
  stageFrom,
  type Written,
  writtenIn,
} from '../../run/written';
import { fillAuto } from './auto';
import { DEEPSPEED, ZERO_DEFAULTS } from './defaults';

const DEVICES = ['none', 'cpu', 'nvme'] as const;

/** ZeRO of a DeepSpeed config as DeepSpeed will run it: "auto" filled, what a stage ignores switched off. */
export function readZero(sources: RunSources): ZeroSharding {
  const stage = readStage(sources);
  const flag = (path: string, fallback: { value: boolean; source: string }) =>
    resolve(sources, path, booleanFrom, byDefault(fallback.value, DEEPSPEED, fallback.source));
  const size = (path: string, fallback: { value: number; source: string }) =>
    resolve(sources, path, elementsFrom, byDefault(fallback.value, DEEPSPEED, fallback.source));
  const offloadOptimizer = offloadedOptimizer(sources, stage);
  const offloadParam = offloadedParam(sources, stage);
  return {
    kind: 'zero',
    stage,
    offloadOptimizer,
    offloadParam,
    pinMemory: pinnedMemory(sources),
    offloadRatio: size('offload_optimizer.ratio', ZERO_DEFAULTS.ratio),
    cpuStepBeside: cpuStepBeside(sources),
    overlapComm: resolve(sources, 'overlap_comm', booleanFrom, overlapDefault(stage)),
    contiguousGradients: flag('contiguous_gradients', ZERO_DEFAULTS.contiguousGradients),
    reduceScatter: flag('reduce_scatter', ZERO_DEFAULTS.reduceScatter),
    roundRobinGradients: flag('round_robin_gradients', ZERO_DEFAULTS.roundRobin),
    reduceBucketElements: size('reduce_bucket_size', ZERO_DEFAULTS.reduceBucket),
    allgatherBucketElements: size('allgather_bucket_size', ZERO_DEFAULTS.allgatherBucket),
    prefetchBucketElements: size('stage3_prefetch_bucket_size', ZERO_DEFAULTS.prefetchBucket),
    persistenceThresholdElements: size('stage3_param_persistence_threshold', ZERO_DEFAULTS.persistenceThreshold),
    ...modelPersistence(sources),
    maxLiveElements: size('stage3_max_live_parameters', ZERO_DEFAULTS.maxLive),
    maxReuseDistanceElements: size('stage3_max_reuse_distance', ZERO_DEFAULTS.maxReuseDistance),
    subGroupElements: size('sub_group_size', ZERO_DEFAULTS.subGroup),
    hpzPartitionRanks: size('zero_hpz_partition_size', ZERO_DEFAULTS.hpz),
    quantizedWeights: flag('zero_quantized_weights', ZERO_DEFAULTS.quantizedWeights),
    quantizedGradients: flag('zero_quantized_gradients', ZERO_DEFAULTS.quantizedGradients),
    quantizedFrozenWeights: flag('zero_quantized_nontrainable_weights', ZERO_DEFAULTS.quantizedWeights),
    micsShardRanks: size('mics_shard_size', ZERO_DEFAULTS.mics),
    micsHierarchicalGather: flag('mics_hierarchical_params_gather', ZERO_DEFAULTS.micsHierarchical),
    gatherWeightsOnSave: gatherOnSave(sources),
    gradAccumDtype: gradAccumDtype(sources),
  };
}

/** `sys.maxsize` where it is not written: deepspeed/runtime/zero/config.py:235 (0.19.8). */
function modelPersistence(sources: RunSources): Pick<ZeroSharding, 'elementsPersistentAtMost'> {
  const written = writtenIn(sources.deepspeed, 'zero_optimization.stage3_model_persistence_threshold');
  return written && typeof written.plain === 'number' ? { elementsPersistentAtMost: countFrom(written, 0) } : {};
}

/** A key of `zero_optimization`: written, filled for "auto", or the default. */
function resolve<T>(
  sources: RunSources,
  key: string,
  read: (written: Written) => Known<T>,
  fallback: Known<T>,
): Known<T> {
  const path = `zero_optimization.${key}`;
  const written = writtenIn(sources.deepspeed, path);
  if (!written) return fallback;
  return isAutoText(written) ? fillAuto(sources, written, path, fallback) : read(written);
}

/**
 * SuperOffload steps each bucket once its gradients are there (deepspeed runtime/superoffload/superoffload_stage3.py, 0.19.6);
 * ZenFlow's `overlap_step` steps in a process of its own while the next micro-batches run (runtime/zenflow/zenflow_stage_1_and_2.py).
 */
function cpuStepBeside(sources: RunSources): NonNullable<ZeroSharding['cpuStepBeside']> {
  const on = (path: string): Known<boolean> | undefined => {
    const written = writtenIn(sources.deepspeed, `zero_optimization.${path}`);
    const read = written && booleanFrom(written);
    return read?.known && read.value ? read : undefined;
  };
  const backward = on('offload_optimizer.super_offload');
  if (backward?.known) return known('backward', backward.origin);
  const steps = on('zenflow.overlap_step');
  if (steps?.known) return known('steps', steps.origin);
  return byDefault('nothing', DEEPSPEED, 'deepspeed runtime/zero/offload_config.py');
}

/** pydantic takes whole floats and digits in text. */
function elementsFrom(written: Written): Known<number> {
  return numberFrom(written);
}

/** Stage as pydantic coerces it: 2, 2.0, "2" and true are stages; no section is stage 0. */
function readStage(sources: RunSources): ZeroSharding['stage'] {
  const read = (written: Written): Known<0 | 1 | 2 | 3> => {
    if (written.plain === true || written.plain === false) return known(written.plain ? 1 : 0, written.origin);
    return stageFrom(written);
  };
  return resolve(sources, 'stage', read, byDefault(ZERO_DEFAULTS.stage.value, DEEPSPEED, ZERO_DEFAULTS.stage.source));
}

function overlapDefault(stage: ZeroSharding['stage']): Known<boolean> {
  if (!stage.known) return unknown('overlap_comm is on by default at stage 3 only, and the stage is not known');
  return byDefault(stage.value === 3, `${DEEPSPEED} at stage ${stage.value}`, ZERO_DEFAULTS.overlapComm.source);
}

const none = byDefault<OffloadDevice>('none', DEEPSPEED, ZERO_DEFAULTS.device.source);

function deviceAt(sources: RunSources, section: string, deprecated: string): Known<OffloadDevice> {
  const old = writtenIn(sources.deepspeed, `zero_optimization.${deprecated}`);
  const oldDevice = old && booleanFrom(old);
  if (oldDevice?.known && oldDevice.value) return known('cpu', oldDevice.origin);
  return resolve(sources, `${section}.device`, (written) => choiceFrom(written, DEVICES), none);
}

/** Stages 1 and 2 keep everything in host memory even for `nvme` (deepspeed/runtime/zero/stage_1_and_2.py:186). */
function offloadedOptimizer(sources: RunSources, stage: ZeroSharding['stage']): Known<OffloadDevice> {
  const device = deviceAt(sources, 'offload_optimizer', 'cpu_offload');
  if (!device.known || device.value === 'none' || !stage.known) return device;
  if (stage.value === 0)
    return switchedTo('none', device.origin, stage.origin, 'stage 0 has no ZeRO optimizer to offload');
  if (stage.value < 3 && device.value === 'nvme') {
    return switchedTo('cpu', device.origin, stage.origin, `stage ${stage.value} treats nvme as cpu`);
  }
  return device;
}

/** Parameters are offloaded at stage 3 only (deepspeed/runtime/engine.py:2397). */
function offloadedParam(sources: RunSources, stage: ZeroSharding['stage']): Known<OffloadDevice> {
  const device = deviceAt(sources, 'offload_param', 'cpu_offload_param');
  if (!device.known || device.value === 'none' || !stage.known || stage.value === 3) return device;
  return switchedTo('none', device.origin, stage.origin, `stage ${stage.value} ignores offload_param`);
}

function switchedTo(device: OffloadDevice, written: Origin, stage: Origin, formula: string): Known<OffloadDevice> {
  return known(device, { kind: 'derived', formula, from: [stage, written] });
}

function pinnedMemory(sources: RunSources): Known<boolean> {
  const old = isOlder(sources.frameworks.deepspeed, '0.19.5');
  const fallback = old
    ? byDefault(false, 'DeepSpeed before 0.19.5', ZERO_DEFAULTS.pinMemory.source)
    : byDefault(ZERO_DEFAULTS.pinMemory.value, DEEPSPEED, ZERO_DEFAULTS.pinMemory.source);
  const optimizer = resolve(sources, 'offload_optimizer.pin_memory', booleanFrom, fallback);
  if (optimizer.known && optimizer.origin.kind !== 'default') return optimizer;
  return resolve(sources, 'offload_param.pin_memory', booleanFrom, fallback);
}

function gatherOnSave(sources: RunSources): Known<boolean> {
  const old = writtenIn(sources.deepspeed, 'zero_optimization.stage3_gather_fp16_weights_on_model_save');
  if (old) return booleanFrom(old);
  const { value, source } = ZERO_DEFAULTS.gatherOnSave;
  return resolve(
    sources,
    'stage3_gather_16bit_weights_on_model_save',
    booleanFrom,
    byDefault(value, DEEPSPEED, source),
  );
}

const DTYPES: Readonly<Record<string, Dtype>> = {
  fp32: 'fp32',
  float32: 'fp32',
  fp16: 'fp16',
  float16: 'fp16',
  half: 'fp16',
  bf16: 'bf16',
  bfloat16: 'bf16',
};

/** `data_types.grad_accum_dtype`; the model's dtype when absent (deepspeed/runtime/constants.py:495). */
function gradAccumDtype(sources: RunSources): Known<Dtype> {
  const written = writtenIn(sources.deepspeed, 'data_types.grad_accum_dtype');
  const name = typeof written?.plain === 'string' ? ownValue(DTYPES, written.plain.toLowerCase()) : undefined;
  if (written && name) return known(name, written.origin);
  const dtype = engineDtype(sources);
  return dtype.known
    ? known(dtype.value, { kind: 'derived', formula: 'gradients accumulate in the model dtype', from: [dtype.origin] })
    : dtype;
}

/** The dtype DeepSpeed casts the model to: bf16, fp16, or fp32 where neither section is enabled. */
export function engineDtype(sources: RunSources): Known<'bf16' | 'fp16' | 'fp32'> {
  const enabled = (section: string) => {
    const path = `${section}.enabled`;
    const written = writtenIn(sources.deepspeed, path);
    if (!written) return undefined;
    return isAutoText(written)
      ? fillAuto(sources, written, path, byDefault(false, DEEPSPEED, 'deepspeed/runtime/precision_config.py:46'))
      : booleanFrom(written);
  };
  const bf16 = enabled('bf16') ?? enabled('bfloat16');
  if (bf16?.known && bf16.value) return known('bf16', bf16.origin);
  const fp16 = enabled('fp16');
  if (fp16?.known && fp16.value) return known('fp16', fp16.origin);
  for (const section of [bf16, fp16]) if (section && !section.known) return section;
  // Accelerate adds the section of its own mixed precision where the file has none (dataclasses.py:1418, 1.15.0).
  if (!bf16 && !fp16 && !sources.consumers.includes('deepspeed')) {
    return unknown('the file has neither bf16 nor fp16, and the launcher adds its own');
  }
  return byDefault('fp32', DEEPSPEED, 'deepspeed/runtime/engine.py:1485');
}
