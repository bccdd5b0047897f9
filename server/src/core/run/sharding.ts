import { ACCELERATE, FSDP_DEFAULTS as ACCELERATE_FSDP } from '../dialects/accelerate/defaults';
import { readZero } from '../dialects/deepspeed/read';
import { FSDP_DEFAULTS as TRAINER_FSDP } from '../dialects/fsdp/defaults';
import { type FsdpSource, readFsdp } from '../dialects/fsdp/read';
import { type Known, known, type Origin, unknown } from './known';
import type { Launch } from './launch';
import { readMegatron } from './megatron';
import { pluginZero } from './plugin-zero';
import { isOlder, type RunSources } from './sources';
import type { Sharding } from './training-run';
import { trlSharding } from './trl-launch';
import { assumed, booleanFrom, byDefault, textFrom, textsFrom, type Written, writtenIn } from './written';

/** How weights, gradients and optimizer states are spread, in the order in which the frameworks decide it. */
export function readSharding(sources: RunSources, worldSize: Known<number>): Known<Sharding> {
  const { deepspeed, links } = sources;
  const lost = links.missing.find(({ dialect }) => dialect === 'deepspeed' || dialect === 'fsdp');
  if (deepspeed) return known(readZero(sources), whole(deepspeed.file.path, deepspeed.root, 'zero_optimization'));
  if (lost) return unknown(lost.why, lost.origin);
  const launcher = links.missing.find(({ dialect }) => dialect === 'accelerate');
  if (launcher) return trainerFsdp(sources) ?? unknown(launcher.why, launcher.origin);
  return trainerFsdp(sources) ?? trlSharding(sources) ?? acceleratePlugin(sources) ?? replicated(sources, worldSize);
}

function whole(path: string, node: { start: number; end: number }, key: string): Origin {
  return { kind: 'file', path, start: node.start, end: node.end, key };
}

/** FSDP of the Trainer: the `fsdp` argument switches it on, `fsdp_config` says how. */
function trainerFsdp(sources: RunSources): Known<Sharding> | undefined {
  const { args, fsdp } = sources;
  const on = args.get('fsdp');
  if (!on) {
    const alone = fsdp && fsdp.at === '' && !args.present && !sources.accelerate;
    return alone ? known(readFsdp(trainerSource(sources, undefined)), whole(fsdp.file.path, fsdp.root, '')) : undefined;
  }
  const bool = booleanFrom(on);
  if (bool.known) return bool.value ? known(readFsdp(trainerSource(sources, undefined)), on.origin) : undefined;
  const words = textsFrom(on);
  if (!words.known) return unknown(words.why, on.origin);
  if (words.value.length === 0) return undefined;
  const lower = known(
    words.value.map((word) => word.toLowerCase()),
    words.origin,
  );
  return known(readFsdp(trainerSource(sources, lower)), on.origin);
}

/** Keys of fsdp_config that no Trainer before 5.10 looks at (training_args.py 4.57.6, lines 1939 to 2043). */
const UNREAD_BEFORE_5_10 = new Set([
  'version',
  'reshard_after_forward',
  'cpu_offload',
  'auto_wrap_policy',
  'state_dict_type',
  'sharding_strategy',
]);

function trainerSource(sources: RunSources, words: Known<readonly string[]> | undefined): FsdpSource {
  const old = isOlder(sources.frameworks.transformers, '5.10');
  const version = old
    ? { value: 1 as const, source: 'transformers src/transformers/training_args.py:1939 (4.57.6)' }
    : TRAINER_FSDP.version;
  const wrap =
    old && words?.known && !words.value.includes('auto_wrap')
      ? { value: 'NO_WRAP' as const, source: 'transformers src/transformers/training_args.py:2010 (4.57.6)' }
      : TRAINER_FSDP.wrap;
  return {
    get: (key) =>
      old && UNREAD_BEFORE_5_10.has(key)
        ? undefined
        : (writtenIn(sources.fsdp, key) ?? writtenIn(sources.fsdp, `fsdp_${key}`)),
    of: old ? 'transformers before 5.10' : 'transformers 5.18.0',
    defaults: {
      ...TRAINER_FSDP,
      version,
      wrap,
      stateDictV1: TRAINER_FSDP.stateDict,
      stateDictV2: TRAINER_FSDP.stateDict,
    },
    offloadKey: 'cpu_offload',
    words,
  };
}

/** What `accelerate launch` sets up, from `distributed_type` and the flags `--use_deepspeed`, `--use_fsdp` and `--use_megatron_lm`. */
function acceleratePlugin(sources: RunSources): Known<Sharding> | undefined {
  const { accelerate, links } = sources;
  const flags = links.launch?.launcher === 'accelerate' ? links.launch.flags : undefined;
  const type = writtenIn(accelerate, 'distributed_type');
  const kind = type && textFrom(type);
  const origin = kind?.known
    ? kind.origin
    : (flags?.get('use_deepspeed') ?? flags?.get('use_fsdp') ?? flags?.get('use_megatron_lm'))?.origin;
  if (!origin) return undefined;
  const get =
    (section: string) =>
    (key: string): Written | undefined => {
      const flag = flags?.get(key);
      return flag ?? writtenIn(accelerate, `${section}.${key}`);
    };
  const named = kind?.known ? kind.value : undefined;
  if (named === 'DEEPSPEED' || flags?.has('use_deepspeed')) {
    return known(pluginZero(get('deepspeed_config'), sources), origin);
  }
  if (named === 'FSDP' || flags?.has('use_fsdp')) {
    const read = get('fsdp_config');
    const prefixed = (key: string) => read(`fsdp_${key}`) ?? writtenIn(accelerate, `fsdp_config.${key}`);
    return known(
      readFsdp({
        get: prefixed,
        of: ACCELERATE,
        defaults: ACCELERATE_FSDP,
        offloadKey: 'offload_params',
        words: undefined,
      }),
      origin,
    );
  }
  return named === 'MEGATRON_LM' || flags?.has('use_megatron_lm') ? known(readMegatron(sources), origin) : undefined;
}

/** No framework shards: one process, or DDP over several. */
function replicated({ accelerate, args, links }: RunSources, worldSize: Known<number>): Known<Sharding> {
  if (!accelerate && !args.present) return unknown('no file of this run says how it is sharded');
  if (links.candidates.length > 1) return unknown('several Accelerate files could be meant');
  if (!worldSize.known) return unknown(`it depends on the number of processes, and ${worldSize.why}`);
  const view = byDefault(false, ACCELERATE, 'accelerate src/accelerate/utils/dataclasses.py:157');
  const sharding: Sharding = { kind: worldSize.value > 1 ? 'ddp' : 'single', gradientAsBucketView: view };
  // An Accelerate file that lies elsewhere could shard the same arguments.
  if (worldSize.value > 1 && !accelerate && !links.launch) {
    return assumed(sharding, 'no DeepSpeed, FSDP or Accelerate file was found with the Trainer file');
  }
  if (worldSize.value > 1 && !accelerate && links.launch && leavesToDefaults(links.launch)) {
    return assumed(
      sharding,
      'the launch line names no Accelerate file, and a default_config.yaml where it runs could shard the run',
    );
  }
  return known(sharding, worldSize.origin);
}

/**
 * Whether Accelerate takes what the line leaves open from the default_config.yaml of who starts it: FSDP and DeepSpeed too, unless
 * `--multi_gpu` says otherwise (accelerate commands/launch.py:1218, 1.15.0). TRL starts through Accelerate.
 */
function leavesToDefaults({ launcher, flags, arguments: args }: Launch): boolean {
  if (launcher === 'accelerate') return !flags.has('multi_gpu') && !flags.has('config_file');
  return launcher === 'trl' && !args.has('multi_gpu') && !args.has('config_file');
}
