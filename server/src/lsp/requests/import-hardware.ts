import { importReport } from '../../core/features/hardware-import';
import { importHardware } from '../../core/hardware/import';
import { namedDescription, withTarget } from '../../core/hardware/import/write';
import type { Path } from '../../core/source';
import type { ImportHardwareAnswer, ImportHardwareParams, SettingsChange } from '../protocol';
import type { Session } from '../session';
import { changeSettings } from '../settings-change';
import { pathOf } from '../uri';

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
      : writtenInto(session, pathOf(params.uri), params.target, namedDescription(description, result.values));
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

/** The shardlens.json in force with the target in it, or a new one at the top of the workspace folder. */
function writtenInto(
  session: Session,
  path: Path,
  target: string,
  description: Readonly<Record<string, unknown>>,
): SettingsChange {
  const options = { fresh: 'top' } as const;
  return changeSettings(session, path, options, (file, text) => withTarget(file, text, target, description));
}
