import { type Known, known, unknown } from '../../run/known';
import type { FsdpSharding } from '../../run/training-run';
import { booleanFrom, byDefault, choiceFrom, numberFrom, textFrom, textsFrom, type Written } from '../../run/written';

/** Where the keys of one FSDP plugin are read from, and what it takes when they are absent. */
export interface FsdpSource {
  get(key: string): Written | undefined;
  /** As `accelerate 1.15.0`. */
  readonly of: string;
  readonly defaults: FsdpDefaults;
  /** Name of the key that switches parameter offload on. */
  readonly offloadKey: 'offload_params' | 'cpu_offload';
  /** Strategy words of the Trainer's `fsdp` argument: `full_shard auto_wrap offload`. */
  readonly words: Known<readonly string[]> | undefined;
}

type One<T> = { readonly value: T; readonly source: string };

export interface FsdpDefaults {
  readonly version: One<1 | 2>;
  readonly offloadParams: One<boolean>;
  readonly strategy: One<'FULL_SHARD'>;
  readonly reshard: One<boolean>;
  readonly wrap: One<'TRANSFORMER_BASED_WRAP' | 'NO_WRAP'>;
  readonly backwardPrefetch: One<'NO_PREFETCH'>;
  readonly forwardPrefetch: One<boolean>;
  readonly useOrigParams: One<boolean>;
  readonly cpuRamEfficientLoading: One<boolean>;
  readonly limitAllGathers: One<boolean>;
  readonly activationCheckpointing: One<boolean>;
  readonly stateDictV1: One<'FULL_STATE_DICT'>;
  readonly stateDictV2: One<'FULL_STATE_DICT' | 'SHARDED_STATE_DICT'>;
}

const STRATEGIES = ['FULL_SHARD', 'SHARD_GRAD_OP', 'NO_SHARD', 'HYBRID_SHARD', 'HYBRID_SHARD_ZERO2'] as const;

/** FSDP as it will run. Keys may stand with or without the `fsdp_` prefix. */
export function readFsdp(source: FsdpSource): FsdpSharding {
  const version = readVersion(source);
  const flag = (key: string, fallback: One<boolean>): Known<boolean> => {
    const written = source.get(key);
    return written ? booleanFrom(written) : byDefault(fallback.value, source.of, fallback.source);
  };
  const { defaults } = source;
  return {
    kind: 'fsdp',
    version,
    strategy: readStrategy(source, version),
    offloadParams: readOffload(source),
    wrap: readWrap(source),
    wrapClasses: readClasses(source),
    backwardPrefetch: readPrefetch(source),
    forwardPrefetch: flag('forward_prefetch', defaults.forwardPrefetch),
    limitAllGathers: flag('limit_all_gathers', defaults.limitAllGathers),
    useOrigParams: flag('use_orig_params', defaults.useOrigParams),
    cpuRamEfficientLoading: flag('cpu_ram_efficient_loading', defaults.cpuRamEfficientLoading),
    stateDict: readStateDict(source, version),
    activationCheckpointing: flag('activation_checkpointing', defaults.activationCheckpointing),
  };
}

function readVersion({ get, of, defaults }: FsdpSource): FsdpSharding['version'] {
  const written = get('version');
  if (!written) return byDefault(defaults.version.value, of, defaults.version.source);
  const number = numberFrom(written);
  if (!number.known) return number;
  return number.value === 1 || number.value === 2
    ? known(number.value, number.origin)
    : unknown(`there is no FSDP version ${number.value}`, number.origin);
}

/** FSDP 2 has `reshard_after_forward` instead of a strategy; FSDP 1 ignores it (accelerate utils/dataclasses.py:1844, 1.15.0). */
function readStrategy(source: FsdpSource, version: FsdpSharding['version']): FsdpSharding['strategy'] {
  const { defaults, of } = source;
  if (!version.known) return unknown(version.why, version.origin);
  if (version.value === 1) return strategyV1(source);
  const reshard = source.get('reshard_after_forward');
  if (reshard) {
    const resharded = booleanFrom(reshard);
    if (resharded.known) return known(resharded.value ? 'FULL_SHARD' : 'SHARD_GRAD_OP', resharded.origin);
    return unknown(resharded.why, resharded.origin);
  }
  const word = wordStrategy(source);
  return word ?? byDefault(defaults.strategy.value, of, defaults.reshard.source);
}

function strategyV1(source: FsdpSource): FsdpSharding['strategy'] {
  const written = source.offloadKey === 'offload_params' ? source.get('sharding_strategy') : undefined;
  if (!written) {
    return (
      wordStrategy(source) ?? byDefault(source.defaults.strategy.value, source.of, source.defaults.strategy.source)
    );
  }
  const index = numberFrom(written);
  const byNumber = index.known ? STRATEGIES[index.value - 1] : undefined;
  return byNumber ? known(byNumber, written.origin) : choiceFrom(written, STRATEGIES);
}

/** `full_shard`, `shard_grad_op`, … among the words of the Trainer's `fsdp`. */
function wordStrategy({ words }: FsdpSource): FsdpSharding['strategy'] | undefined {
  if (!words?.known) return undefined;
  const found = STRATEGIES.find((one) => words.value.includes(one.toLowerCase()));
  return found && known(found, words.origin);
}

function readOffload({ get, of, defaults, offloadKey, words }: FsdpSource): Known<boolean> {
  const written = get(offloadKey);
  if (written) return booleanFrom(written);
  if (words?.known && words.value.includes('offload')) return known(true, words.origin);
  return byDefault(defaults.offloadParams.value, of, defaults.offloadParams.source);
}

function readWrap({ get, of, defaults }: FsdpSource): FsdpSharding['wrap'] {
  const written = get('auto_wrap_policy');
  if (written) return choiceFrom(written, ['TRANSFORMER_BASED_WRAP', 'SIZE_BASED_WRAP', 'NO_WRAP']);
  return byDefault(defaults.wrap.value, of, defaults.wrap.source);
}

function readClasses({ get }: FsdpSource): FsdpSharding['wrapClasses'] {
  const written = get('transformer_layer_cls_to_wrap');
  return written ? textsFrom(written) : unknown('no class is named, so the model gives its own _no_split_modules');
}

function readPrefetch({ get, of, defaults }: FsdpSource): FsdpSharding['backwardPrefetch'] {
  const written = get('backward_prefetch');
  if (!written) return byDefault(defaults.backwardPrefetch.value, of, defaults.backwardPrefetch.source);
  return choiceFrom(written, ['BACKWARD_PRE', 'BACKWARD_POST', 'NO_PREFETCH']);
}

function readStateDict({ get, of, defaults }: FsdpSource, version: FsdpSharding['version']): FsdpSharding['stateDict'] {
  const written = get('state_dict_type');
  if (written && textFrom(written).known) {
    return choiceFrom(written, ['FULL_STATE_DICT', 'SHARDED_STATE_DICT', 'LOCAL_STATE_DICT']);
  }
  if (!version.known) return unknown(version.why, version.origin);
  const fallback = version.value === 1 ? defaults.stateDictV1 : defaults.stateDictV2;
  return byDefault(fallback.value, of, fallback.source);
}
