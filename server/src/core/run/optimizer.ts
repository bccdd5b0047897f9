import { TRAINER_DEFAULTS } from '../dialects/trainer/defaults';
import { type Known, known, unknown } from './known';
import { deepspeedOptions, trainerOptions } from './optimizer-options';
import { isOlder, type RunSources } from './sources';
import type { Optimizer, Sharding } from './training-run';
import { booleanFrom, byDefault, textFrom, writtenIn } from './written';

/** What decides the optimizer beside the sharding. */
type Sources = Pick<RunSources, 'args' | 'deepspeed' | 'consumers' | 'frameworks'>;

/** The optimizer that will step, and who builds it. */
export function readOptimizer(sources: Sources, sharding: Known<Sharding>): Optimizer {
  const zero = sharding.known && sharding.value.kind === 'zero' ? sharding.value : undefined;
  const offload = zero?.offloadOptimizer;
  const onCpu = offload?.known === true && offload.value !== 'none' ? offload : undefined;
  const type = writtenIn(sources.deepspeed, 'optimizer.type');
  if (type && zero) {
    const name = textFrom(type);
    return {
      name: name.known ? known(name.value.toLowerCase(), name.origin) : name,
      implementation: deepspeedImplementation(sources, name, onCpu),
      ...deepspeedOptions(sources),
      owner: 'deepspeed',
    };
  }
  const own = trainerOptimizer(sources);
  if (zero && onCpu && replaces(sources)) return replaced(own, onCpu);
  return own;
}

/** DeepSpeed's own kernels: CPU-Adam under offload, FusedAdam on the GPU, torch's where asked (runtime/engine.py:2092-2160). */
function deepspeedImplementation(
  { deepspeed }: Sources,
  name: Known<string>,
  onCpu: Known<string> | undefined,
): Optimizer['implementation'] {
  if (!name.known) return unknown(name.why, name.origin);
  const torch = writtenIn(deepspeed, 'optimizer.params.torch_adam');
  const isTorch = torch ? booleanFrom(torch) : undefined;
  if (isTorch?.known && isTorch.value) return known(onCpu ? 'cpu' : 'foreach', isTorch.origin);
  if (onCpu?.known) return known('cpu', onCpu.origin);
  return /^(adam|adamw|lamb|lion)$/.test(name.value.toLowerCase())
    ? known('fused', { kind: 'derived', formula: `DeepSpeed builds its fused ${name.value}`, from: [name.origin] })
    : unknown(`how DeepSpeed runs ${name.value} is not known here`, name.origin);
}

/** With `offload_optimizer` and no optimizer in the file, Accelerate puts DeepSpeedCPUAdam in place (accelerator.py:2366, 1.15.0). */
function replaces({ deepspeed, consumers }: Sources): boolean {
  if (consumers.length === 1 && consumers[0] === 'deepspeed') return false;
  const force = writtenIn(deepspeed, 'zero_force_ds_cpu_optimizer');
  return force?.plain !== false;
}

function replaced(own: Optimizer, onCpu: Known<string>): Optimizer {
  const from = [own.name, onCpu].flatMap((one) => (one.origin ? [one.origin] : []));
  const lost = own.name.known ? own.name.value : undefined;
  const kind = lost?.includes('adagrad') ? 'adagrad' : lost?.includes('lion') ? 'lion' : 'adamw';
  const formula = 'Accelerate replaces the optimizer by DeepSpeed’s CPU one under offload_optimizer';
  const origin = { kind: 'derived', formula, from } as const;
  return { name: known(kind, origin), implementation: known('cpu', origin), owner: 'deepspeed' };
}

function trainerOptimizer(sources: Sources): Optimizer {
  const { args, frameworks } = sources;
  if (!args.present) {
    const why = 'the script builds the optimizer';
    return { name: unknown(why), implementation: unknown(why), owner: 'code' };
  }
  const written = args.get('optim');
  const fallback = isOlder(frameworks.torch, '2.8') ? TRAINER_DEFAULTS.optimOldTorch : TRAINER_DEFAULTS.optim;
  const name = written ? textFrom(written) : byDefault<string>(fallback.value, fallback.of, fallback.source);
  return {
    name: name.known ? known(name.value.toLowerCase(), name.origin) : name,
    implementation: trainerImplementation(name),
    ...trainerOptions(sources),
    owner: 'trainer',
  };
}

/** transformers src/transformers/trainer_optimizer.py:201 and the packages behind each name. */
function trainerImplementation(name: Known<string>): Optimizer['implementation'] {
  if (!name.known) return unknown(name.why, name.origin);
  const word = name.value.toLowerCase();
  const origin = { kind: 'derived', formula: `optim ${name.value}`, from: [name.origin] } as const;
  if (word.startsWith('paged_')) return known('paged', origin);
  if (/fused|_8bit|bnb|^lion_|^ademamix/.test(word)) return known('fused', origin);
  if (word === 'adamw_torch' || word === 'sgd' || word === 'adagrad' || word === 'rmsprop')
    return known('foreach', origin);
  return known('loop', origin);
}
