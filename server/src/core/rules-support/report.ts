import type { Finding, Fix, Severity } from '../findings';
import type { Report } from '../rules/rule';
import type { Setting } from '../settings';
import type { Config } from '../source';
import type { CalledRule } from './select';

/** The finding a report makes in this config, or undefined when its places all stand in other configs. */
export function findingOf(
  rule: CalledRule,
  config: Config,
  level: Severity | undefined,
  report: Report,
): Finding | undefined {
  const places = placesOf(report.at);
  const own = places.findIndex((place) => !isSetting(place) || isIn(place, config));
  const place = places[own];
  if (!place) return undefined;
  const range = isSetting(place) ? rangeOf(place, report.on ?? 'value') : place;
  const others = places.filter((other, index): other is Setting => index !== own && isSetting(other));
  const finding: Finding = {
    rule: rule.id,
    severity: level ?? report.severity ?? rule.severity,
    message: report.message,
    path: config.file.path,
    start: range.start,
    end: range.end,
    related: [
      ...others.map((other) => ({
        path: other.config.file.path,
        ...rangeOf(other, 'entry'),
        message: `${other.path} is set here.`,
      })),
      ...(report.related ?? []).map(({ at, message }) =>
        isSetting(at)
          ? { path: at.config.file.path, ...rangeOf(at, 'entry'), message }
          : { path: at.path, start: at.start, end: at.end, message },
      ),
    ],
    fixes: onePreferred(report.fixes ?? []),
  };
  return report.tag ? { ...finding, tag: report.tag } : finding;
}

type Place = Setting | { readonly start: number; readonly end: number };

function placesOf(at: Report['at']): readonly Place[] {
  return Array.isArray(at) ? at : [at as Place];
}

function isSetting(place: object): place is Setting {
  return 'config' in place;
}

/** Sections of one file share its path; their place inside it tells them apart. */
function isIn(setting: Setting, config: Config): boolean {
  return setting.config.file.path === config.file.path && setting.config.at === config.at;
}

function rangeOf(setting: Setting, on: 'key' | 'value' | 'entry'): { start: number; end: number } {
  const { entry, node } = setting;
  if (on === 'entry') return { start: entry.start, end: entry.end };
  // A whole section underlined in red hides everything in it: its key stands for it.
  if (on === 'key' || !node || node.kind !== 'scalar' || node.start === node.end) {
    return { start: entry.keyNode.start, end: entry.keyNode.end };
  }
  return { start: node.start, end: node.end };
}

function onePreferred(fixes: NonNullable<Report['fixes']>): Fix[] {
  let taken = false;
  return fixes.filter(canBeMade).map((fix) => {
    const preferred = fix.preferred === true && !taken;
    taken ||= preferred;
    return { title: fix.title, preferred, edits: fix.edits };
  });
}

/** Edits that do not overlap; one that no function could make safely has none. */
function canBeMade({ edits }: Pick<Fix, 'edits'>): boolean {
  return (
    edits.length > 0 &&
    edits.every((edit, index) =>
      edits.every(
        (other, place) =>
          place <= index || edit.path !== other.path || edit.end <= other.start || other.end <= edit.start,
      ),
    )
  );
}
