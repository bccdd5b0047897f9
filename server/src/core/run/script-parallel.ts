import { type Known, unknown } from './known';
import type { Launch } from './launch';
import type { RunSources } from './sources';
import { countFrom, type Written } from './written';

type Dimension = 'tensor' | 'pipeline' | 'context';

/** What the flags of a script of its own say about each dimension; absent where they say nothing. */
export type ScriptSizes = Readonly<Partial<Record<Dimension, Known<number>>>>;

/**
 * Flags whose meaning is the same wherever they are seen: Megatron's and Megatron-DeepSpeed's (megatron/arguments.py), and
 * DeepSpeedExamples' training/pipeline_parallelism/train.py.
 */
const SURE: Readonly<Record<string, Dimension>> = {
  tensor_model_parallel_size: 'tensor',
  pipeline_model_parallel_size: 'pipeline',
  pipeline_parallel_size: 'pipeline',
  context_parallel_size: 'context',
  ds_sequence_parallel_size: 'context',
};

/** Flags that look like a size of model parallelism, by dimension; what a script does with them is its own. */
const LOOKS_LIKE: readonly (readonly [Dimension, RegExp])[] = [
  ['tensor', /^(?:ds_)?(?:tensor|model)_?parallel(?:ism)?(?:_\w+)?$|^(?:tp|mp)(?:_(?:size|degree|world_size|dim))?$/],
  ['pipeline', /^pipe(?:line)?_?parallel(?:ism)?(?:_\w+)?$|^(?:num_)?(?:pipe(?:line)?_)?stages$|^pp(?:_\w+)?$|^p$/],
  ['context', /^(?:context|seq(?:uence)?|ulysses)_?parallel(?:ism)?_\w+$|^(?:cp|sp)(?:_\w+)?$|^ring_attn_size$/],
];

/**
 * The sizes of model parallelism that launch lines hand to a script with a loop of its own: such a script gives DeepSpeed an mpu,
 * or a PipelineModule that brings one, and DeepSpeed takes its number of data-parallel ranks
 * (deepspeed/runtime/config.py:463 and __init__.py:583, 0.19.8). Neither the Trainer nor TRL does.
 */
export function scriptSizes({ links, args }: Pick<RunSources, 'links' | 'args'>): ScriptSizes {
  if (args.present) return {};
  const sizes: Partial<Record<Dimension, Known<number>>> = {};
  const lines = links.launches.filter(({ launcher }) => launcher !== 'trl').map(sizesOfLine);
  for (const dimension of ['tensor', 'pipeline', 'context'] as const) {
    const found = lines.flatMap((line) => line[dimension] ?? []);
    const [first] = found;
    if (!first) continue;
    const agree =
      found.length === lines.length && found.every((one) => one.known && first.known && one.value === first.value);
    sizes[dimension] = agree || !first.known ? first : unknown('launch lines give different sizes', first.origin);
  }
  return sizes;
}

function sizesOfLine(launch: Launch): ScriptSizes {
  const sizes: Partial<Record<Dimension, Known<number>>> = {};
  for (const [name, written] of launch.arguments) {
    // Accelerate hands no mpu on: what a script under it makes of such a flag is not known.
    const sure = launch.launcher === 'accelerate' ? undefined : SURE[name];
    const dimension = sure ?? SURE[name] ?? LOOKS_LIKE.find(([, looks]) => looks.test(name))?.[0];
    if (!dimension) continue;
    const size = sure ? countFrom(written) : guessed(name, written);
    if (size && !(sizes[dimension]?.known === false)) sizes[dimension] = size;
  }
  return sizes;
}

/** A size of 1 splits nothing, whatever the flag means; a word after a short flag is no size. */
function guessed(name: string, written: Written): Known<number> | undefined {
  const count = countFrom(written);
  if (count.known && count.value === 1) return undefined;
  if (name.length < 3 && !count.known && !written.templated) return undefined;
  return unknown(`${written.key} may split the model, and what the script makes of it is not known`, written.origin);
}
