import type { Analysis } from '../analysis';
import type { FileEdit } from '../findings';
import {
  type FsdpSettings,
  fsdpSettingsOf,
  fsdpVersionOf,
  STRATEGIES,
  type Strategy,
  strategyNamed,
} from '../rules-support/fsdp';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, type Setting, setting, stringOf } from '../settings';
import type { Config, SourceFile } from '../source';
import { removeEntry, renameKey, replaceValue, setPath } from '../syntax/editing';
import { lookup, type MappingNode } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { difference } from '../text/difference';
import { applyEdits } from '../text/edit';

/** Keys that FSDP 2 does without: accelerate/commands/to_fsdp2.py:31-47 (1.15.0), REMOVED and NOT_YET_IMPLEMENTED. */
const GONE = ['backward_prefetch', 'forward_prefetch', 'sync_module_states', 'use_orig_params'];

/** Of the Trainer too: read for FSDP 1 only, transformers/training_args.py:2882 (5.23.0). */
const GONE_FOR_TRAINER = [...GONE, 'limit_all_gathers'];

/** accelerate/commands/to_fsdp2.py:50-57 (1.15.0). */
const RESHARD: Readonly<Record<Strategy, boolean>> = {
  FULL_SHARD: true,
  SHARD_GRAD_OP: false,
  NO_SHARD: false,
  HYBRID_SHARD: true,
  HYBRID_SHARD_ZERO2: false,
};

/** What the move does not keep. */
const LOST: Readonly<Partial<Record<Strategy, string>>> = {
  NO_SHARD: '; NO_SHARD has no counterpart, parameters will be sharded',
  HYBRID_SHARD: '; replicas then come from dp_replicate_size in parallelism_config',
  HYBRID_SHARD_ZERO2: '; replicas then come from dp_replicate_size in parallelism_config',
};

/** A rewrite of one section, and where the section stands. */
export interface SectionRewrite {
  readonly title: string;
  readonly start: number;
  readonly end: number;
  readonly edits: readonly FileEdit[];
}

/** FSDP 1 to FSDP 2 for each section of the file that runs FSDP 1: the conversion of `accelerate to-fsdp2`, with comments and order kept. */
export function fsdp2Rewrites({ file, configs, run }: Analysis): SectionRewrite[] {
  if (!run || file.tree.problems.some(({ kind }) => kind === 'broken' || kind === 'limit')) return [];
  return configs.flatMap((config) => {
    const settings = fsdpSettingsOf(config, run);
    if (!settings || !isFsdp1(settings) || hasHybridWord(settings)) return [];
    const section = sectionOf(config, settings);
    const strategy = strategyOf(settings);
    if (!section || strategy === 'unknown') return [];
    const text = converted(config, settings, strategy);
    if (text === undefined || text === file.text) return [];
    const edits = difference(file.text, text).map((edit) => ({ ...edit, path: file.path }));
    const lost = strategy ? (LOST[strategy] ?? '') : '';
    return [
      {
        title: `Move ${settings.at === '' ? 'to' : 'fsdp_config to'} FSDP 2${lost}`,
        ...spanOf(section, settings),
        edits,
      },
    ];
  });

  function isFsdp1(settings: FsdpSettings): boolean {
    if (!run) return false;
    if (settings.reader === 'accelerate') return fsdpVersionOf(settings, run) === 1;
    // The Trainer of transformers 4 reads no version: there is no FSDP 2 to move to.
    const stated = statedVersion(run, 'transformers');
    if (stated !== undefined && !isAtLeast(stated, '5.0.0')) return false;
    const version = settings.get('version');
    return version ? numberOf(version) === 1 : fsdpVersionOf(settings, run) === 1;
  }

  /** The Trainer refuses `fsdp: hybrid_shard` and `no_shard` under FSDP 2: transformers/training_args.py:2928 (5.23.0). */
  function hasHybridWord({ reader }: FsdpSettings): boolean {
    const words = run?.configs.trainer && reader === 'trainer' ? setting(run.configs.trainer, 'fsdp') : undefined;
    return /hybrid_shard|no_shard/i.test(stringOf(words) ?? '') || words?.node?.kind === 'sequence';
  }
}

function sectionOf(config: Config, { at }: FsdpSettings): MappingNode | undefined {
  if (at === '') return config.root;
  const node = setting(config, at.slice(0, -1))?.node;
  return node?.kind === 'mapping' ? node : undefined;
}

/** The key of a section belongs to it, where the cursor may well stand. */
function spanOf(section: MappingNode, { config, at }: FsdpSettings): { start: number; end: number } {
  const key = at === '' ? undefined : setting(config, at.slice(0, -1))?.entry.keyNode;
  return { start: key?.start ?? section.start, end: section.end };
}

/** The strategy that is written, by name or number; `unknown` where it is neither, and nothing can be said of it. */
function strategyOf(settings: FsdpSettings): Strategy | 'unknown' | undefined {
  const written = [settings.get('sharding_strategy'), settings.get('reshard_after_forward')].flatMap(
    (one) => one ?? [],
  );
  // As in a Python mapping that is gone through in order, the last one counts.
  const last = written.sort((a, b) => a.entry.start - b.entry.start).at(-1);
  if (!last || isSwitch(last)) return undefined;
  const index = numberOf(last);
  return (index === undefined ? strategyNamed(stringOf(last)) : STRATEGIES[index - 1]) ?? 'unknown';
}

function isSwitch({ node }: Setting): boolean {
  return (
    node?.kind === 'scalar' && (node.scalar.type === 'bool' || /^(?:true|false)$/i.test(String(node.scalar.value)))
  );
}

/** Goes through the steps on the text that each leaves; undefined where one of them cannot be made safely. */
function converted(config: Config, settings: FsdpSettings, strategy: Strategy | undefined): string | undefined {
  const path = [
    ...(config.at === '' ? [] : config.at.split('.')),
    ...settings.at.split('.').filter((part) => part !== ''),
  ];
  const prefix = settings.name('').slice(settings.at.length);
  const keys = (key: string) => [`fsdp_${key}`, key];
  const remove =
    (key: string): Step =>
    (file, section) => {
      const entry = lookup(section, key);
      return entry ? removeEntry(file, section, entry) : undefined;
    };
  const gone = settings.reader === 'trainer' ? GONE_FOR_TRAINER : GONE;
  const steps: Step[] = [
    (file, section) => {
      const entry = keys('version').flatMap((key) => lookup(section, key) ?? [])[0];
      if (entry?.value) return replaceValue(file, entry.value, 2);
      return setPath(file, section, [`${prefix}version`], 2);
    },
    ...strategySteps(settings, strategy, prefix, remove),
    ...gone.flatMap(keys).map(remove),
  ];
  let file = config.file;
  for (const step of steps) {
    const section = sectionAt(file, path);
    const edits = section && step(file, section);
    if (!section) return undefined;
    if (edits === undefined) continue;
    if (edits.length === 0) return undefined;
    file = parseSource(file.path, applyEdits(file.text, edits));
  }
  const isWhole = file.tree.problems.length <= config.file.tree.problems.length;
  return isWhole && sectionAt(file, path) ? file.text : undefined;
}

/** Edits of one step; undefined where there is nothing to do, none where it cannot be done. */
type Step = (file: SourceFile, section: MappingNode) => readonly FileEdit[] | undefined;

/** The strategy becomes the switch that FSDP 2 has, in its place; of a strategy and a switch the later one stays. */
function strategySteps(
  settings: FsdpSettings,
  strategy: Strategy | undefined,
  prefix: string,
  remove: (key: string) => Step,
): Step[] {
  const old = settings.get('sharding_strategy')?.entry;
  const present = settings.get('reshard_after_forward')?.entry;
  const [kept, lost] =
    old && present ? (old.start > present.start ? [old, present] : [present, old]) : [old ?? present];
  if (!kept) return [];
  const name = kept === old ? (old.key.startsWith('fsdp_') ? 'fsdp_' : prefix) : '';
  const wanted = kept === old ? `${name}reshard_after_forward` : kept.key;
  return [
    ...(lost ? [remove(lost.key)] : []),
    (file, section) => {
      const entry = lookup(section, kept.key);
      if (strategy === undefined || !entry?.value) return undefined;
      return replaceValue(file, entry.value, RESHARD[strategy]);
    },
    (file, section) => {
      const entry = lookup(section, kept.key);
      return entry && entry.key !== wanted ? renameKey(file, entry, wanted) : undefined;
    },
  ];
}

function sectionAt(file: SourceFile, path: readonly string[]): MappingNode | undefined {
  let node = file.tree.root;
  for (const key of path) {
    if (node?.kind !== 'mapping') return undefined;
    node = lookup(node, key)?.value;
  }
  return node?.kind === 'mapping' ? node : undefined;
}
