import { type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';

/** The setting at `path` when it is a text that names a file: not JSON written into the value, not blank, not filled in later. */
export function fileSetting(config: Config, path: string): Setting | undefined {
  const found = setting(config, path);
  if (found?.node?.kind !== 'scalar' || found.node.templated) return undefined;
  const written = stringOf(found)?.trim();
  if (written === undefined || written === '' || written.startsWith('{')) return undefined;
  // `deepspeed: none` and `fsdp_config: null` in words are values, not files.
  return /^(?:none|null|auto|true|false)$/i.test(written) ? undefined : found;
}

/** The mapping that stands at a key of a config, as a config of its own. */
export function sectionAt(config: Config, key: string, dialect: Config['dialect']): readonly Config[] {
  const root = setting(config, key)?.node;
  return root?.kind === 'mapping' ? [{ dialect, file: config.file, root, at: key }] : [];
}
