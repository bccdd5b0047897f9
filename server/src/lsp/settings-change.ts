import { join } from '../core/paths';
import { foldersUp } from '../core/run/folders';
import { SETTINGS_NAME } from '../core/run/settings-file';
import type { Path } from '../core/source';
import { editsBetween } from '../core/text/diff';
import { LineIndex } from '../core/text/lines';
import { toRange } from './convert';
import type { SettingsChange } from './protocol';
import type { Session } from './session';
import { uriOf } from './uri';
import { TrackedWorkspace } from './workspace';

/** A new text of shardlens.json, or why it cannot be put there; `text` undefined: there is no file yet. */
export type Rewrite = (
  file: Path,
  text: string | undefined,
) => { readonly text: string } | { readonly problem: string };

/**
 * The edits that a rewrite makes to the shardlens.json in force: the one that was named, else the nearest above `path`; else
 * a new one, beside the file or at the top of its workspace folder.
 */
export function changeSettings(
  session: Session,
  path: Path,
  options: { readonly named?: Path | undefined; readonly fresh: 'beside' | 'top' },
  rewrite: Rewrite,
): SettingsChange {
  session.files.nextTurn();
  const workspace = new TrackedWorkspace(session.files, path);
  const places =
    options.named === undefined
      ? foldersUp(path, workspace).map((folder) => join(folder, SETTINGS_NAME))
      : [options.named];
  const found = places.find((file) => workspace.read(file).ok);
  const file = found ?? places.at(options.fresh === 'top' ? -1 : 0) ?? join(path, SETTINGS_NAME);
  const read = workspace.read(file);
  const before = read.ok ? read.text : undefined;
  const written = rewrite(file, before);
  const uri = session.documents.at(file)?.uri ?? uriOf(file);
  if ('problem' in written) return { uri, problem: written.problem };
  const lines = new LineIndex(before ?? '');
  const edits = editsBetween(before ?? '', written.text).map(({ start, end, newText }) => ({
    range: toRange(lines, start, end),
    newText,
  }));
  return { uri, exists: before !== undefined, edits };
}
