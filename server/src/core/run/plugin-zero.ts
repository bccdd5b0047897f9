import { ACCELERATE, PLUGIN_DEFAULTS } from '../dialects/accelerate/defaults';
import { DEEPSPEED, ZERO_DEFAULTS } from '../dialects/deepspeed/defaults';
import { readZero } from '../dialects/deepspeed/read';
import { known, unknown } from './known';
import type { RunSources } from './sources';
import type { ZeroSharding } from './training-run';
import { booleanFrom, byDefault, choiceFrom, stageFrom, type Written } from './written';

const DEVICES = ['none', 'cpu', 'nvme'] as const;

/** ZeRO from the keys of Accelerate's own `deepspeed_config`; what it has no key for is DeepSpeed's default. */
export function pluginZero(get: (key: string) => Written | undefined, sources: RunSources): ZeroSharding {
  const stage = pluginStage(get('zero_stage'));
  const device = (key: string, fallback: { value: 'none'; source: string }) => {
    const written = get(key);
    return written
      ? choiceFrom(written, DEVICES)
      : byDefault<'none' | 'cpu' | 'nvme'>(fallback.value, ACCELERATE, fallback.source);
  };
  const optimizer = device('offload_optimizer_device', PLUGIN_DEFAULTS.offloadOptimizer);
  const param = device('offload_param_device', PLUGIN_DEFAULTS.offloadParam);
  const save = get('zero3_save_16bit_model');
  const base = readZero({ ...sources, deepspeed: undefined });
  const isThree = stage.known && stage.value === 3;
  return {
    ...base,
    stage,
    offloadOptimizer:
      stage.known && stage.value === 0 && optimizer.known
        ? known('none', {
            kind: 'derived',
            formula: `stage ${stage.value} ignores offload_optimizer_device`,
            from: [stage.origin, optimizer.origin],
          })
        : optimizer,
    offloadParam:
      stage.known && !isThree && param.known && param.value !== 'none'
        ? known('none', {
            kind: 'derived',
            formula: `stage ${stage.value} ignores offload_param_device`,
            from: [stage.origin, param.origin],
          })
        : param,
    overlapComm: stage.known
      ? byDefault(isThree, `${DEEPSPEED} at stage ${stage.value}`, ZERO_DEFAULTS.overlapComm.source)
      : unknown(stage.why, stage.origin),
    gatherWeightsOnSave: save
      ? booleanFrom(save)
      : byDefault(PLUGIN_DEFAULTS.save16bit.value, ACCELERATE, PLUGIN_DEFAULTS.save16bit.source),
  };
}

function pluginStage(written: Written | undefined): ZeroSharding['stage'] {
  if (!written) return byDefault(PLUGIN_DEFAULTS.zeroStage.value, ACCELERATE, PLUGIN_DEFAULTS.zeroStage.source);
  return stageFrom(written);
}
