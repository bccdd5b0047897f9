import { FSDP_DEFAULTS } from '../dialects/accelerate/defaults';
import { type FsdpSource, readFsdp } from '../dialects/fsdp/read';
import { type Known, known, unknown } from './known';
import { pluginZero } from './plugin-zero';
import type { Size } from './sizes';
import type { RunSources } from './sources';
import type { Sharding } from './training-run';
import { byDefault, countFrom, textFrom, type Written } from './written';

type Sources = Pick<RunSources, 'links' | 'args'>;
type Values = Readonly<Record<string, unknown>>;

const TRL = 'trl 1.13.0';
const FOLDER = 'trl trl/accelerate_configs';

/** Accelerate files that TRL brings along, by name, as far as they say how a run is sharded (trl/accelerate_configs, 1.13.0). */
const ZERO: Readonly<Record<string, Values>> = {
  zero1: { zero_stage: 1 },
  zero2: { zero_stage: 2, offload_optimizer_device: 'none', offload_param_device: 'none' },
  zero3: {
    zero_stage: 3,
    offload_optimizer_device: 'none',
    offload_param_device: 'none',
    zero3_save_16bit_model: true,
  },
};

const FSDP_COMMON: Values = {
  activation_checkpointing: false,
  auto_wrap_policy: 'TRANSFORMER_BASED_WRAP',
  cpu_ram_efficient_loading: true,
  offload_params: false,
  state_dict_type: 'FULL_STATE_DICT',
};

const FSDP: Readonly<Record<string, Values>> = {
  fsdp1: {
    ...FSDP_COMMON,
    version: 1,
    backward_prefetch: 'BACKWARD_PRE',
    forward_prefetch: true,
    reshard_after_forward: 'FULL_SHARD',
    use_orig_params: true,
  },
  fsdp2: { ...FSDP_COMMON, version: 2, reshard_after_forward: true },
};

/**
 * `accelerate_config` of TRL's command line, as a flag or a key of its YAML: a path, or the name of a file that TRL brings along
 * (trl/cli/accelerate_config.py:19, 1.13.0). A script that is started otherwise has no such argument.
 */
function accelerateConfig({ links: { launch }, args }: Sources): Written | undefined {
  return launch && launch.launcher !== 'trl' ? undefined : args.get('accelerate_config');
}

/** How the named file shards the run; undefined where none is named. The flags beside it are Accelerate's, and win. */
export function trlSharding(sources: RunSources): Known<Sharding> | undefined {
  const written = accelerateConfig(sources);
  if (!written || sources.accelerate) return undefined;
  const name = textFrom(written);
  if (!name.known) return unknown(name.why, written.origin);
  const get =
    (values: Values | undefined, prefix = '') =>
    (key: string): Written | undefined => {
      const flag = sources.links.launch?.arguments.get(prefix + key);
      return (
        flag ??
        (values && key in values ? { ...written, key: `${written.key}: ${key}`, plain: values[key] } : undefined)
      );
    };
  const zero = ZERO[name.value];
  if (zero) return known(pluginZero(get(zero), sources), written.origin);
  const fsdp = FSDP[name.value];
  if (fsdp) return known(readFsdp(fsdpSource(get(fsdp, 'fsdp_'))), written.origin);
  if (name.value === 'multi_gpu') {
    const view = byDefault(false, TRL, 'accelerate src/accelerate/utils/dataclasses.py:157');
    return known({ kind: 'ddp', gradientAsBucketView: view }, written.origin);
  }
  return unknown(`${written.key} names ${name.value}, which is not read`, written.origin);
}

function fsdpSource(get: FsdpSource['get']): FsdpSource {
  return { get, of: TRL, defaults: FSDP_DEFAULTS, offloadKey: 'offload_params', words: undefined };
}

/** Processes that TRL's command line starts: its arguments, which it hands to Accelerate, else the 8 of the file it brings along. */
export function fromTrl(sources: Sources): Size {
  const { launch } = sources.links;
  const config = accelerateConfig(sources);
  if (launch ? launch.launcher !== 'trl' : !config) return {};
  const processes = sources.args.get('num_processes');
  const machines = sources.args.get('num_machines');
  const isOwn =
    typeof config?.plain === 'string' && (config.plain in ZERO || config.plain in FSDP || config.plain === 'multi_gpu');
  const written = processes && countFrom(processes);
  return {
    world: written ?? (isOwn ? byDefault(8, TRL, `${FOLDER}/${config.plain}.yaml`) : undefined),
    nodes:
      (machines && countFrom(machines)) ?? (isOwn ? byDefault(1, TRL, `${FOLDER}/${config.plain}.yaml`) : undefined),
  };
}
