import { kept } from '../../kept';
import { ownValue } from '../../own-value';
import { type Known, known, type Origin, unknown } from '../../run/known';
import type { RunSources } from '../../run/sources';
import type { AutoValue, Consumer } from '../../run/training-run';
import { type Written, writtenOf } from '../../run/written';
import { setting } from '../../settings';
import type { Config } from '../../source';
import type { MappingNode } from '../../syntax/node';
import { FILLERS, type Filler } from './auto-fillers';

/** Keys where "auto" is DeepSpeed's own word, or inside which no filler walks. */
const NATIVE =
  /^(pipeline\.stages|expert_parallel\.|autotuning\.|zero_optimization\.zenflow\.(select_strategy|select_interval|update_interval))/;

/** Sections that drop "auto" and use their default when DeepSpeed reads the file alone (deepspeed/runtime/config_utils.py:56). */
const DROPS_AUTO = /^(zero_optimization|fp16|bf16|bfloat16|comms_logger|hybrid_engine|compile|tensor_parallel)\./;

const EITHER_FILLS = '"auto" is filled by the Trainer or by Accelerate';

/** Why it is not known who reads a file whose "auto" both fill. */
export const FILLER_UNTOLD = `${EITHER_FILLS}, and nothing tells by which`;

/** True where somebody among `consumers` replaces "auto" at this key. */
export function isFilled(path: string, consumers: readonly Consumer[]): boolean {
  const filler = ownValue(FILLERS, path);
  if (NATIVE.test(path)) return true;
  if (!filler) return false;
  return consumers.some((one) =>
    one === 'trainer' ? filler.trainer : one === 'accelerate' ? filler.accelerate : undefined,
  );
}

/** The value "auto" becomes at a key, derived from the "auto" and from what fills it. */
export function fillAuto<T>(sources: RunSources, auto: Written, path: string, fallback: Known<T>): Known<T> {
  const { consumer } = sources;
  const filler = ownValue(FILLERS, path);
  if (consumer.known && consumer.value === 'deepspeed') return droppedAuto(path, auto, fallback);
  const fill =
    consumer.known && consumer.value === 'accelerate' ? filler?.accelerate : (filler?.trainer ?? filler?.accelerate);
  if (!fill) return unknown(`nobody puts a value in place of "auto" in ${path}`, auto.origin);
  // Where it is not known who reads the file, only a value on which both agree is taken.
  if (!consumer.known && filler?.trainer !== filler?.accelerate && !agreeing(sources, filler)) {
    const { why } = consumer;
    return unknown(why === FILLER_UNTOLD ? why : `${EITHER_FILLS}, and ${why}`, auto.origin);
  }
  const filled = fill(sources);
  // The table's entry for a key has the type that its reader expects; a wrong type in a file has become unknown above.
  return filled.known
    ? known(filled.value as T, {
        kind: 'derived',
        formula: formulaOf(filled.origin),
        from: [auto.origin, filled.origin],
      })
    : unknown(`"auto" in ${path}: ${filled.why}`, auto.origin);
}

function agreeing(sources: RunSources, filler: Filler | undefined): boolean {
  const trainer = filler?.trainer?.(sources);
  const accelerate = filler?.accelerate?.(sources);
  return (
    trainer?.known === true && (accelerate === undefined || (accelerate.known && accelerate.value === trainer.value))
  );
}

function formulaOf(origin: Origin): string {
  if (origin.kind === 'derived') return origin.formula;
  return origin.kind === 'file'
    ? `the value of ${origin.key}`
    : origin.kind === 'default'
      ? `the default of ${origin.of}`
      : 'the value given';
}

function droppedAuto<T>(path: string, auto: Written, fallback: Known<T>): Known<T> {
  if (!DROPS_AUTO.test(path) || !fallback.known)
    return unknown(`DeepSpeed alone keeps "auto" as text in ${path}`, auto.origin);
  return known(fallback.value, {
    kind: 'derived',
    formula: 'DeepSpeed alone drops "auto" and uses its default',
    from: [auto.origin, fallback.origin],
  });
}

/** Every "auto" of a DeepSpeed config with what it becomes. */
export function autoValues(sources: RunSources, batch: { readonly global: Known<number> }): AutoValue[] {
  const config = sources.deepspeed;
  return config
    ? autosOf(config).flatMap((path) => {
        const found = setting(config, path);
        if (!found || NATIVE.test(path)) return [];
        const unfilled = !isFilled(path, sources.consumers);
        const value =
          path === 'train_batch_size' && !unfilled
            ? batch.global
            : fillAuto(sources, writtenOf(found), path, unknown(`nobody fills ${path}`));
        return [{ setting: found, value, unfilled }];
      })
    : [];
}

const found = kept<MappingNode, readonly string[]>();

/** Dotted paths of every "auto" in a config. */
function autosOf({ root }: Config): readonly string[] {
  let paths = found.get(root);
  if (!paths) {
    paths = autoPaths(root, '', new Set());
    found.set(root, paths);
  }
  return paths;
}

/** Each mapping is walked once: aliases of a YAML file can make one stand in very many places. */
function autoPaths(mapping: MappingNode, prefix: string, seen: Set<MappingNode>): string[] {
  if (seen.has(mapping)) return [];
  seen.add(mapping);
  return mapping.entries.flatMap(({ key, value }) => {
    if (value?.kind === 'mapping') return autoPaths(value, `${prefix}${key}.`, seen);
    const isAuto =
      value?.kind === 'scalar' && value.scalar.type === 'string' && value.scalar.value === 'auto' && !value.templated;
    return isAuto ? [prefix + key] : [];
  });
}

/** True for a config in which some "auto" stands at a key that DeepSpeed alone cannot read. */
export function needsFilling(config: Config): boolean {
  return autosOf(config).some((path) => ownValue(FILLERS, path) !== undefined && !DROPS_AUTO.test(path));
}

/** True for an "auto" that only the Trainer fills. */
export function needsTrainer(config: Config): boolean {
  return autosOf(config).some(
    (path) => ownValue(FILLERS, path)?.trainer !== undefined && ownValue(FILLERS, path)?.accelerate === undefined,
  );
}
