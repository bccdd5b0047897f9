import type { FileFinder } from './files';
import { type Known, known } from './known';
import { type NamedHardware, shortName } from './named-hardware';
import type { Target } from './settings-content';
import type { Size } from './sizes';
import { overrideOf, type RunSources } from './sources';
import { countFrom, type Written } from './written';

type TargetSources = Pick<RunSources, 'overrides' | 'settings'>;

/**
 * The target that a flag or the editor names, else `target` of shardlens.json, else the only one there is. What was picked in the
 * editor counts for the whole workspace: a project that has no target of that name goes by its own.
 */
export function targetOf(sources: TargetSources, finder: FileFinder): Target | undefined {
  const { settings } = sources;
  const picked = overrideOf(sources, 'target');
  const target = picked && targetCalled(picked, settings, finder);
  if (target || (picked && sources.overrides.from !== 'editor')) return target;
  const written = settings.fields.target;
  if (written) return targetCalled(written, settings, finder);
  return settings.targets.size === 1 ? [...settings.targets.values()][0] : undefined;
}

function targetCalled(
  { plain: name, origin }: Written,
  { targets }: TargetSources['settings'],
  finder: FileFinder,
): Target | undefined {
  // A value that is no text is said where it is written.
  if (typeof name !== 'string') return undefined;
  const target = targets.get(name);
  if (target) return target;
  const names = [...targets.keys()];
  finder.notes.push({
    kind: 'unknown-target',
    message: `No target is called "${name}"; ${names.length > 0 ? `there is ${names.join(', ')}` : 'shardlens.json has none'}.`,
    origin,
  });
  return undefined;
}

/** Flags, then the target, then what its hardware states by itself: a cluster description's sizes, or the 8 of `8xH100`. */
export function fromTarget(
  sources: TargetSources,
  target: Target | undefined,
  hardware: NamedHardware | undefined,
): Size {
  const itself = (value: number | undefined, key: string): Known<number> | undefined =>
    hardware && value !== undefined
      ? known(value, {
          kind: 'derived',
          formula: `${key} of ${shortName(hardware.written.plain)}`,
          from: [hardware.written.origin],
        })
      : undefined;
  const nodes = overrideOf(sources, 'nodes') ?? target?.nodes;
  const perNode = overrideOf(sources, 'gpusPerNode') ?? target?.gpusPerNode;
  return {
    nodes: nodes ? countFrom(nodes) : itself(hardware?.stated.nodes, 'nodes'),
    perNode: perNode ? countFrom(perNode) : itself(hardware?.stated.gpusPerNode, 'gpusPerNode'),
  };
}

/** Why no hardware is known where no target is chosen. */
export function noHardware({ settings }: TargetSources): string {
  const names = [...settings.targets.keys()];
  return names.length > 0
    ? `no target is chosen; shardlens.json has ${names.join(', ')}`
    : 'no flag, target or file names the hardware';
}
