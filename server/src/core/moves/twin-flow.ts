import { known, valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import type { Config } from '../source';
import { type Dimension, type Move, type Note, writeTo } from './move';
import { isOpen, TRIED } from './settled';
import { stageIn, withZero, zeroOf } from './sharding';

const SECTION = 'zero_optimization.offload_optimizer';

const WHAT = 'share of the optimizer offload';

/** Shares of the states on the host that are tried; 1 is all of them. */
const RATIOS = [0.2, 0.4, 0.6, 0.8, 1] as const;
/** Sub-groups are dealt out whole, so a share comes out right only where there are many. */
const LEAST_GROUPS = 10;

/**
 * A part of the optimizer's states back on the GPU (Twin-Flow), at stage 3 and with DeepSpeed's CPU Adam alone
 * (deepspeed/runtime/zero/config.py:398 and stage3.py:313, 0.19.8). Sub-groups become small enough for the share to come out; they are
 * cut within the groups of parameters that whoever makes the optimizer made. Weights on the host are no hindrance: what the GPU has
 * stepped is copied back to them (stage3.py:2858); sub-groups whose weights are on drives are made on the host whatever the share says.
 */
export const twinFlow: Dimension = (run, note) => {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  const elements = steppedElements(run);
  if (!zero || !deepspeed || elements === undefined || run.lora || !hasCpuAdam(run, deepspeed)) return [];
  if (valueIfKnown(run.consumer) !== 'trainer') {
    const because = 'the script makes the groups of parameters that are dealt out, the Trainer two that are known';
    if (isOffloaded(run)) note?.({ what: WHAT, because });
    return [];
  }
  if (isOffloaded(run) && valueIfKnown(zero.offloadParam) === 'nvme')
    note?.({ what: WHAT, because: 'offload_param is on drives, and sub-groups swapped there stay on the host' });
  const { offloadRatio: ratio, subGroupElements: size } = zero;
  if (!ratio.known || !size.known || !isOpen(run, WHAT, [ratio], note)) return [];
  const small =
    size.value * LEAST_GROUPS <= elements ? size.value : 10 ** Math.floor(Math.log10(elements / LEAST_GROUPS));
  return RATIOS.filter((share) => share !== ratio.value).map(
    (share): Move => ({
      dimension: WHAT,
      title: `Step ${Math.round(100 * (1 - share))} % of the optimizer's states on the GPU (offload_optimizer.ratio ${share})`,
      training: 'same',
      writes: [
        writeTo(deepspeed, `${SECTION}.ratio`, share),
        ...(small === size.value || share === 1 ? [] : [writeTo(deepspeed, 'zero_optimization.sub_group_size', small)]),
      ],
      allows: isSplit,
      apply: (it) =>
        withZero(it, (value) => ({
          ...value,
          offloadRatio: known(share, TRIED),
          ...(share !== 1 && { subGroupElements: known(small, TRIED) }),
        })),
    }),
  );
};

/** The first release in which SuperOffload adds the gradients of all micro-steps (superoffload_stage3.py:136, 0.19.8). */
const SUPER_SINCE = '0.19.8';

/**
 * Stepping each sub-group on the CPU while the backward pass goes on (SuperOffload), where the CPU is on the GPU's own link: it takes four
 * fifths of the cores for every rank (superoffload_utils.py:207, 0.19.8). With gradient clipping it waits for the norm, and gains nothing.
 */
export const superOffload: Dimension = (run, note) => {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  if (!zero || !deepspeed || !hasCpuAdam(run, deepspeed)) return [];
  notSearched(run, note);
  const beside = zero.cpuStepBeside;
  const link = run.cluster.known ? run.cluster.value.accelerator.hostLinkBytesPerSecond : undefined;
  const stated = statedVersion(run, 'deepspeed');
  const isOld = stated !== undefined && !isAtLeast(stated, SUPER_SINCE);
  if (isOffloaded(run) && (valueIfKnown(zero.offloadParam) ?? 'none') !== 'none')
    note?.({ what: 'SuperOffload', because: 'nothing is published of it with weights on the host too' });
  if (link === undefined || isOld || valueIfKnown(beside) !== 'nothing' || valueIfKnown(run.gradientClipping) !== 0)
    return [];
  return [
    {
      dimension: 'SuperOffload',
      title: 'Step on the CPU beside the backward pass (super_offload)',
      training: 'same',
      ...(stated === undefined && { note: `needs deepspeed ${SUPER_SINCE}` }),
      writes: [writeTo(deepspeed, `${SECTION}.super_offload`, true)],
      allows: (it) => isOnHost(it) && valueIfKnown(zeroOf(it)?.offloadRatio) === 1,
      apply: (it) => withZero(it, (value) => ({ ...value, cpuStepBeside: known('backward', TRIED) })),
    },
  ];
};

/** What runs beside an offloaded optimizer and is not tried, where there is one. */
function notSearched(run: TrainingRun, note?: Note): void {
  if (!isOffloaded(run)) return;
  note?.({
    what: 'ZenFlow',
    because: 'it decides itself when weights are updated, so that steps and global batch would be others',
  });
  const clipping = valueIfKnown(run.gradientClipping);
  const clips =
    clipping === undefined ? 'where gradients are clipped, which is not known here,' : 'with gradient clipping';
  if (clipping !== 0)
    note?.({ what: 'SuperOffload', because: `${clips} it steps after the backward pass, as without it` });
  else if (run.cluster.known && run.cluster.value.accelerator.hostLinkBytesPerSecond === undefined)
    note?.({ what: 'SuperOffload', because: 'it is made for GPUs that share a link with their CPU, as on Grace' });
}

function isOffloaded(run: TrainingRun): boolean {
  return valueIfKnown(zeroOf(run)?.offloadOptimizer) === 'cpu';
}

/** An optimizer on the host, and weights that each sub-group can be stepped beside. */
function isSplit(run: TrainingRun): boolean {
  const param = valueIfKnown(zeroOf(run)?.offloadParam);
  return stageIn(run) === 3 && isOffloaded(run) && (param === 'none' || param === 'cpu');
}

/** Weights stay on the GPU: SuperOffload's buckets are made for that. */
function isOnHost(run: TrainingRun): boolean {
  return stageIn(run) === 3 && isOffloaded(run) && valueIfKnown(zeroOf(run)?.offloadParam) === 'none';
}

/** Elements that each rank steps at stage 3. */
function steppedElements({ model, parallelism: { data, tensor } }: TrainingRun): number | undefined {
  return model.known && data.known && tensor.known
    ? model.value.parameters.total / (data.value * tensor.value)
    : undefined;
}

/**
 * DeepSpeed's own Adam, or the Trainer's AdamW, which accelerate replaces by it unless told otherwise
 * (accelerate src/accelerate/accelerator.py _prepare_deepspeed, 1.15.0).
 */
function hasCpuAdam({ optimizer }: TrainingRun, deepspeed: Config): boolean {
  const name = valueIfKnown(optimizer.name) ?? '';
  switch (optimizer.owner) {
    case 'deepspeed':
      return /^adamw?$/.test(name) && booleanOf(setting(deepspeed, 'optimizer.params.torch_adam')) !== true;
    case 'trainer':
      return (
        /^adamw_torch(_fused)?$/.test(name) && booleanOf(setting(deepspeed, 'zero_force_ds_cpu_optimizer')) !== false
      );
    default:
      return false;
  }
}
