import { importReport } from '../../core/features/hardware-import';
import { importHardware } from '../../core/hardware/import';
import { namedDescription, withTarget } from '../../core/hardware/import/write';
import { join } from '../../core/paths';
import { foldersUp } from '../../core/run/folders';
import type { Path } from '../../core/source';
import { editsBetween } from '../../core/text/diff';
import { LineIndex } from '../../core/text/lines';
import { toRange } from '../convert';
import type { ImportHardwareAnswer, ImportHardwareParams, SettingsChange } from '../protocol';
import type { Session } from '../session';
import { pathOf, uriOf } from '../uri';
import { TrackedWorkspace } from '../workspace';

const SETTINGS = 'shardlens.json';

/** `shardlens/importHardware`: what a machine printed as a target of shardlens.json; nothing is written here. */
export function importAnswer(session: Session, params: ImportHardwareParams): ImportHardwareAnswer {
  const { hardware } = session.core.catalogs;
  const printed = params.printed.map(({ name, text }) => ({ path: name, text }));
  const result = importHardware(printed, { catalog: hardware, hardware: params.hardware });
  const { description, files } = result;
  const { title, values, unknown, notes, suggestions } = importReport(result);
  const change =
    params.target === undefined || !description
      ? null
      : changeOf(session, pathOf(params.uri), params.target, namedDescription(description, result.values));
  return {
    title,
    known: description !== undefined,
    values: values.map(([key, value, place, words]) => ({ key, value, place, words })),
    unknown,
    notes,
    suggestions,
    unrecognised: files.filter(({ formats }) => formats.length === 0).map(({ path }) => path),
    change,
  };
}

/** The edits of the shardlens.json in force, or a new one at the top of the workspace folder. */
function changeOf(
  session: Session,
  path: Path,
  target: string,
  description: Readonly<Record<string, unknown>>,
): SettingsChange {
  session.files.nextTurn();
  const workspace = new TrackedWorkspace(session.files, path);
  const folders = foldersUp(path, workspace).map((folder) => join(folder, SETTINGS));
  const found = folders.find((file) => workspace.read(file).ok);
  const file = found ?? folders.at(-1) ?? join(path, SETTINGS);
  const read = workspace.read(file);
  const before = read.ok ? read.text : undefined;
  const written = withTarget(file, before, target, description);
  const uri = session.documents.at(file)?.uri ?? uriOf(file);
  if ('problem' in written) return { uri, problem: written.problem };
  const lines = new LineIndex(before ?? '');
  const edits = editsBetween(before ?? '', written.text).map(({ start, end, newText }) => ({
    range: toRange(lines, start, end),
    newText,
  }));
  return { uri, exists: before !== undefined, edits };
}
