import type { Severity } from '../findings';
import type { RunOutline } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { isTemplated, numberOf, type Setting, scalarOf, setting, stringOf } from '../settings';
import type { Config } from '../source';

/** The FSDP settings of one config: the Trainer's fsdp_config, or the section of that name in an Accelerate file. */
export interface FsdpSettings {
  readonly reader: 'trainer' | 'accelerate';
  readonly config: Config;
  /** Dotted path of the section inside {@link config}, with its dot; empty where the config is the section. */
  readonly at: string;
  /** A key with or without the `fsdp_` prefix: both readers take either. */
  get(key: string): Setting | undefined;
  /** The key as this section would write it, for insertions. */
  name(key: string): string;
}

/** FSDP settings that take effect in this config; undefined where it has none or another kind of run is chosen. */
export function fsdpSettingsOf(config: Config, run: RunOutline): FsdpSettings | undefined {
  if (config.dialect === 'fsdp') {
    return isXla(config)
      ? undefined
      : settingsAt(
          config,
          'trainer',
          '',
          config.root.entries.some(({ key }) => key.startsWith('fsdp_')),
        );
  }
  if (config.dialect !== 'accelerate' || stringOf(setting(config, 'distributed_type')) !== 'FSDP') return undefined;
  // Where the Trainer switches FSDP on itself, its own fsdp_config is the one that counts.
  if (run.configs.fsdp && run.configs.trainer) return undefined;
  return settingsAt(config, 'accelerate', 'fsdp_config.', true);
}

function settingsAt(config: Config, reader: FsdpSettings['reader'], at: string, prefixed: boolean): FsdpSettings {
  return {
    reader,
    config,
    at,
    get: (key) => setting(config, `${at}fsdp_${key}`) ?? setting(config, `${at}${key}`),
    name: (key) => `${at}${prefixed ? 'fsdp_' : ''}${key}`,
  };
}

/** The XLA path of the Trainer reads other keys. */
function isXla(config: Config): boolean {
  const xla = setting(config, 'xla');
  return xla !== undefined && scalarOf(xla)?.value !== false;
}

/**
 * FSDP 1 or 2 as these settings run. Accelerate takes 1 where no version is written. The Trainer of transformers 4 reads no
 * version and runs 1; without one, 5.0 to 5.9 take 1 and 5.10 and later 2 (training_args.py compared release by release).
 * Where the release is not stated, an absent key proves nothing.
 */
export function fsdpVersionOf(settings: FsdpSettings, run: RunOutline): 1 | 2 | undefined {
  const written = settings.get('version');
  const number = numberOf(written);
  if (settings.reader === 'trainer') {
    const stated = statedVersion(run, 'transformers');
    if (stated !== undefined && !isAtLeast(stated, '5.0.0')) return 1;
    if (!written) return stated === undefined ? undefined : isAtLeast(stated, '5.10.0') ? 2 : 1;
  } else if (!written) return 1;
  return number === 1 || number === 2 ? number : undefined;
}

/**
 * How loud a value is reported that stops FSDP: the Trainer of transformers 4 does not read it, so for the Trainer it is
 * an error only where a later release is stated.
 */
export function severityOfRead(settings: FsdpSettings, run: RunOutline): Severity {
  const stated = statedVersion(run, 'transformers');
  return settings.reader === 'accelerate' || (stated !== undefined && isAtLeast(stated, '5.0.0')) ? 'error' : 'warning';
}

/** The strings and booleans `str_to_bool` takes, whichever way they are written; undefined for anything else. */
export function truthOf(found: Setting | undefined): boolean | undefined {
  if (!found || isTemplated(found)) return undefined;
  const word = String(scalarOf(found)?.value ?? '').toLowerCase();
  if (['true', 'yes', 'y', 'on', 't', '1'].includes(word)) return true;
  if (['false', 'no', 'n', 'off', 'f', '0'].includes(word)) return false;
  return undefined;
}

/** Sharding strategies of FSDP 1. */
export const STRATEGIES = ['FULL_SHARD', 'SHARD_GRAD_OP', 'NO_SHARD', 'HYBRID_SHARD', 'HYBRID_SHARD_ZERO2'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** A strategy by name in any case. */
export function strategyNamed(text: string | undefined): Strategy | undefined {
  return STRATEGIES.find((one) => one === text?.toUpperCase());
}

/** An Accelerate file for FSDP with further lines in its fsdp_config, for examples. */
export function accelerateFsdp(lines: string, top = ''): string {
  return `compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_machines: 1\nnum_processes: 8\nmixed_precision: bf16\n${top}fsdp_config:\n${lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `  ${line}\n`)
    .join('')}`;
}
