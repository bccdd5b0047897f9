import type { JsonSchema } from '../catalogs';
import { kept } from '../kept';
import type { Setting } from '../settings';
import type { Config } from '../source';
import type { Entry, MappingNode, Node } from '../syntax/node';
import { childSchema } from './keys';

/** A setting and what its dialect says about it; `schema` is undefined for a key the dialect does not know there. */
export interface DescribedSetting {
  readonly setting: Setting;
  readonly key: string;
  readonly schema: JsonSchema | undefined;
  /** Schema of the object the key stands in; undefined below an unknown key. */
  readonly parent: JsonSchema | undefined;
  /** The mapping the key stands in. */
  readonly owner: MappingNode;
}

/** A bound on the entries looked at, so that a file of aliases cannot multiply the work. */
const MAX_SETTINGS = 50_000;

/**
 * Every setting of a config with its schema, in the order written. An entry that a later one of the same key replaces is
 * left out: no framework sees it. Sections that are configs of another dialect are entered by their own config.
 */
export function describedSettings(config: Config, root: JsonSchema): readonly DescribedSetting[] {
  const earlier = walked.get(config);
  if (earlier?.root === root) return earlier.settings;
  const settings = walk(config, root);
  walked.set(config, { root, settings });
  return settings;
}

/** Several rules go over the same settings. */
const walked = kept<Config, { root: JsonSchema; settings: readonly DescribedSetting[] }>();

function walk(config: Config, root: JsonSchema): readonly DescribedSetting[] {
  const found: DescribedSetting[] = [];
  const stack: { node: Node; path: string; schema: JsonSchema | undefined }[] = [
    { node: config.root, path: '', schema: root },
  ];
  for (let next = stack.pop(); next && found.length < MAX_SETTINGS; next = stack.pop()) {
    const { node, path, schema } = next;
    if (node.kind === 'sequence') {
      for (let i = node.items.length - 1; i >= 0; i--) {
        const item = node.items[i];
        if (item) stack.push({ node: item, path: `${path}.${i}`, schema: schema?.items });
      }
    } else if (node.kind === 'mapping') {
      for (const entry of lastOfEachKey(node)) {
        const child = childSchema(schema, entry.key);
        const setting = { config, path: path ? `${path}.${entry.key}` : entry.key, entry, node: entry.value };
        found.push({ setting, key: entry.key, schema: child, parent: schema, owner: node });
        if (!entry.value || entry.value.kind === 'scalar' || isOtherDialect(child)) continue;
        stack.push({ node: entry.value, path: setting.path, schema: child });
      }
    }
  }
  return found.sort((a, b) => a.setting.entry.start - b.setting.entry.start);
}

/** `fsdp_config` and `deepspeed` of a Trainer file: a schema that refers to another dialect's. */
export function isOtherDialect(schema: JsonSchema | undefined): boolean {
  return schema?.anyOf?.some((option) => option.$ref !== undefined) ?? false;
}

function lastOfEachKey(mapping: MappingNode): readonly Entry[] {
  const last = new Map<string, Entry>();
  for (const entry of mapping.entries) last.set(entry.key, entry);
  return last.size === mapping.entries.length ? mapping.entries : [...last.values()];
}
