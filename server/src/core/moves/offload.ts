import type { OffloadVerdict } from '../estimate/estimate';
import { type Known, known } from '../run/known';
import type { OffloadDevice, TrainingRun, ZeroSharding } from '../run/training-run';
import { type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { argumentsOf, argumentWrite } from './arguments';
import { trainerFsdpKey } from './fsdp';
import { launcherWrite } from './launcher';
import { type Dimension, lastPart, type Move, type Note, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';
import { fsdpOf, stageIn, withFsdp, withItsOptimizer, withZero, zeroOf } from './sharding';

/** What can be offloaded. */
export type Offloaded = OffloadVerdict['what'];

/** Optimizer states or weights of ZeRO on the host or on the node's drives, or back on the GPU. */
export const zeroOffload: readonly Dimension[] = (['optimizer', 'param'] as const).map(
  (what): Dimension =>
    (run, note) =>
      zeroOffloads(run, what, note),
);

/** FSDP's shards on the host, or back on the GPU. */
export const fsdpOffload: Dimension = (run, note) => {
  const fsdp = fsdpOf(run);
  if (!fsdp || !isOpen(run, 'FSDP offload', [fsdp.offloadParams], note) || !fsdp.offloadParams.known) return [];
  const on = !fsdp.offloadParams.value;
  const change = on ? fsdpOn(run) : offloadOff(run, 'fsdp');
  return change ? [fsdpMove(on, change)] : [];
};

/** Every move that takes one offload out, by what it offloads. */
export function movesWithoutOffload(run: TrainingRun): { readonly what: Offloaded; readonly move: Move }[] {
  const zero = zeroOf(run);
  const fsdp = fsdpOf(run);
  const found: { what: Offloaded; move: Move }[] = [];
  for (const what of ['optimizer', 'param'] as const) {
    const fact = zero?.[FACTS[what]];
    const change = fact?.known && fact.value !== 'none' ? offloadOff(run, what) : undefined;
    if (change) found.push({ what, move: zeroMove(what, 'none', change) });
  }
  const change = fsdp?.offloadParams.known && fsdp.offloadParams.value ? offloadOff(run, 'fsdp') : undefined;
  if (change) found.push({ what: 'fsdp', move: fsdpMove(false, change) });
  return found;
}

const FACTS = { optimizer: 'offloadOptimizer', param: 'offloadParam' } as const;
const WORDS = { optimizer: 'the optimizer', param: 'the weights' } as const;

type Part = Pick<Move, 'title' | 'writes' | 'note'>;

function zeroOffloads(run: TrainingRun, what: 'optimizer' | 'param', note?: Note): Move[] {
  const zero = zeroOf(run);
  const fact: Known<OffloadDevice> | undefined = zero?.[FACTS[what]];
  if (!zero || !fact || !isOpen(run, `${what} offload`, [fact], note) || !fact.known) return [];
  return DEVICES.filter((device) => device !== fact.value).flatMap((device): Move[] => {
    const change = device === 'none' ? offloadOff(run, what) : zeroOn(run, zero, what, device);
    return change ? [zeroMove(what, device, change)] : [];
  });
}

const DEVICES: readonly OffloadDevice[] = ['none', 'cpu', 'nvme'];

function zeroMove(what: 'optimizer' | 'param', device: OffloadDevice, change: Part): Move {
  // Weights go away with stage 3 only, states with any stage, and the swapper is part of stage 3.
  const least = device === 'none' ? 0 : what === 'param' || device === 'nvme' ? 3 : 1;
  return {
    dimension: `${what} offload`,
    training: 'same',
    ...change,
    allows: (it) => (stageIn(it) ?? 0) >= least,
    apply: (it) => {
      const changed = withZero(it, (value) => ({ ...value, [FACTS[what]]: known(device, TRIED) }));
      return what === 'optimizer' ? withItsOptimizer(changed) : changed;
    },
  };
}

function fsdpMove(on: boolean, change: Part): Move {
  return {
    dimension: 'FSDP offload',
    training: 'same',
    ...change,
    apply: (it) => withFsdp(it, (value) => ({ ...value, offloadParams: known(on, TRIED) })),
  };
}

function zeroOn(
  run: TrainingRun,
  zero: ZeroSharding,
  what: 'optimizer' | 'param',
  device: 'cpu' | 'nvme',
): Part | undefined {
  const key = `offload_${what}`;
  const { deepspeed } = run.configs;
  const to = device === 'cpu' ? 'the host' : 'the drives';
  const title = `Offload ${WORDS[what]} to ${to} (${key})`;
  if (device === 'nvme') return deepspeed && onDrives(run, zero, what, title);
  if (!deepspeed) {
    const write = launcherWrite(run, 'deepspeed_config', `${key}_device`, 'cpu');
    return write && { title, writes: [write] };
  }
  const path = `zero_optimization.${key}`;
  const write =
    setting(deepspeed, path)?.node?.kind === 'mapping'
      ? writeTo(deepspeed, `${path}.device`, 'cpu')
      : writeTo(deepspeed, path, { device: 'cpu', pin_memory: true });
  return { title, writes: [write] };
}

/** Where no file names a folder: what DeepSpeed's own examples use. */
const DRIVES = '/local_nvme';

/**
 * NVMe, where the node has drives of its own. The folder is the one that the file names already; else the one of DeepSpeed's
 * examples, and the user is told (docs/_pages/config-json.md, 0.19.6).
 */
function onDrives(run: TrainingRun, zero: ZeroSharding, what: 'optimizer' | 'param', title: string): Part | undefined {
  const { deepspeed } = run.configs;
  if (!deepspeed || !run.cluster.known || (run.cluster.value.host.nvmeBytes ?? 0) === 0) return undefined;
  const path = (part: string) => `zero_optimization.offload_${part}`;
  const named = ['optimizer', 'param'].flatMap((part) => stringOf(setting(deepspeed, `${path(part)}.nvme_path`)) ?? []);
  const [folder = DRIVES] = named;
  const own = path(what);
  const isThere = setting(deepspeed, own)?.node?.kind === 'mapping';
  const writes = isThere
    ? [
        writeTo(deepspeed, `${own}.device`, 'nvme'),
        ...(setting(deepspeed, `${own}.nvme_path`) ? [] : [writeTo(deepspeed, `${own}.nvme_path`, folder)]),
      ]
    : [writeTo(deepspeed, own, { device: 'nvme', nvme_path: folder, pin_memory: true })];
  const mount = named.length > 0 ? '' : `nvme_path ${DRIVES} has to be the folder where the drives are mounted; `;
  const needs = zero.offloadOptimizer.known && zero.offloadOptimizer.value === 'nvme' ? '' : 'needs libaio (async_io)';
  return { title, writes, note: `${mount}${needs}`.replace(/; $/, '') };
}

const ZERO_KEYS = { optimizer: 'offload_optimizer', param: 'offload_param' } as const;
const FSDP_KEYS = ['cpu_offload', 'fsdp_cpu_offload', 'offload_params', 'fsdp_offload_params'] as const;

/** Takes an offload out in every place that switches it on; undefined where it cannot be written there. */
export function offloadOff(run: TrainingRun, what: Offloaded): Part | undefined {
  const written = what === 'fsdp' ? fsdpOff(run) : zeroOff(run, what);
  if (!written || written.length === 0) return undefined;
  const [first] = written;
  const name = first ? lastPart(first.key) : '';
  const title =
    first?.value === undefined
      ? `Remove ${name}`
      : name === 'fsdp'
        ? 'Take offload out of fsdp'
        : `Set ${name} to ${first.value}`;
  return { title, writes: written };
}

function zeroOff(run: TrainingRun, what: 'optimizer' | 'param'): Write[] | undefined {
  if (run.configs.deepspeed) {
    const found = offloadSwitch(run, what);
    return found && [writeTo(found.config, found.path, offValue(found))];
  }
  const write = launcherWrite(run, 'deepspeed_config', `${ZERO_KEYS[what]}_device`, 'none');
  return write && [write];
}

/** The key that switches an offload on, in whichever config does. */
export function offloadSwitch({ configs }: TrainingRun, what: Offloaded): Setting | undefined {
  const { deepspeed, accelerate, fsdp, trainer } = configs;
  const at = (config: Config | undefined, path: string) => config && setting(config, path);
  if (what !== 'fsdp') {
    const key = ZERO_KEYS[what];
    return deepspeed ? at(deepspeed, `zero_optimization.${key}`) : at(accelerate, `deepspeed_config.${key}_device`);
  }
  for (const key of FSDP_KEYS) {
    const found = at(fsdp, key) ?? at(accelerate, `fsdp_config.${key}`);
    if (found) return found;
  }
  return at(trainer, 'fsdp');
}

/** A section goes; a switch is turned. */
function offValue({ node }: Setting): unknown {
  if (node?.kind !== 'scalar') return undefined;
  return node.scalar.type === 'bool' ? false : 'none';
}

function fsdpOff(run: TrainingRun): Write[] | undefined {
  const found = offloadSwitch(run, 'fsdp');
  const own = found && found.path !== 'fsdp' ? [writeTo(found.config, found.path, false)] : [];
  const words = wordsWith(run, false);
  if (own.length > 0 || words) return [...own, ...(words ? [words] : [])];
  const flag = launcherWrite(run, 'fsdp_config', 'fsdp_offload_params', false);
  return flag && [flag];
}

function fsdpOn(run: TrainingRun): Part | undefined {
  const { accelerate } = run.configs;
  const found = offloadSwitch(run, 'fsdp');
  const own = found && found.config.dialect === 'fsdp' ? writeTo(found.config, found.path, true) : undefined;
  const onTrainer = argumentsOf(run).get('fsdp') !== undefined;
  const key = onTrainer ? undefined : launcherWrite(run, 'fsdp_config', 'fsdp_offload_params', true);
  const write = own ?? key ?? (accelerate && !onTrainer ? undefined : (wordsWith(run, true) ?? switchKey(run)));
  return write && { title: 'Offload the shards to the host', writes: [write] };
}

/** The Trainer's `fsdp` as words, with or without `offload` (transformers src/transformers/training_args.py:1930, 5.18.0). */
function wordsWith(run: TrainingRun, on: boolean): Write | undefined {
  const written = argumentsOf(run).get('fsdp');
  if (!written || typeof written.plain !== 'string') return undefined;
  const words = written.plain.split(' ');
  if (words.includes('offload') === on || /^(true|false)$/i.test(written.plain)) return undefined;
  const others = words.filter((word) => word !== 'offload');
  return argumentWrite(run, 'fsdp', [...others, ...(on ? ['offload'] : [])].join(' '));
}

/** `fsdp: true` of transformers 5 has its switches in fsdp_config. */
function switchKey(run: TrainingRun): Write | undefined {
  return run.configs.trainer ? { ...trainerFsdpKey(run, 'cpu_offload'), value: true } : undefined;
}
