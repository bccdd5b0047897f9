import type { Analysis } from '../analysis';
import type { Finding, Fix } from '../findings';
import { SETTINGS_NAME } from '../run/settings-file';
import type { FrameworkName } from '../run/training-run';
import type { Workspace } from '../source';
import { setPath } from '../syntax/editing';
import { settingsPlace } from './actions';

/** Releases whose verdicts the rules were held against: the newest, and one about a year older (test/oracle/recordings). */
const RELEASES: Readonly<Partial<Record<FrameworkName, readonly string[]>>> = {
  transformers: ['5.23.0', '4.57.6'],
  accelerate: ['1.15.0', '1.12.0'],
  deepspeed: ['0.19.8', '0.16.9'],
  trl: ['1.13.0', '0.24.0'],
};

/**
 * What settles a finding that only hangs on a release nobody states: the release, in shardlens.json. Offered where the message
 * names a release of a framework whose own is not known. Never preferred: only the user knows it.
 */
export function releaseFixes(analysis: Analysis, { message }: Finding, workspace: Workspace): Fix[] {
  const framework = analysis.run && frameworkIn(message);
  if (!framework || analysis.run.frameworks[framework]?.known) return [];
  const place = settingsPlace(analysis, workspace);
  if (!place) return [];
  return (RELEASES[framework] ?? []).flatMap((release) => {
    const title = `Say that it runs with ${framework} ${release} (${SETTINGS_NAME})`;
    if (!place.file) {
      const text = `${JSON.stringify({ frameworks: { [framework]: release } }, null, 2)}\n`;
      return [{ title, preferred: false, edits: [], creates: [{ path: place.path, text }] }];
    }
    const { root } = place.file.tree;
    const edits = setPath(place.file, root?.kind === 'mapping' ? root : undefined, ['frameworks', framework], release);
    return edits.length > 0 ? [{ title, preferred: false, edits }] : [];
  });
}

/** `Accelerate 1.15 and later stops`, `transformers before 5.10`: the framework whose release decides. */
function frameworkIn(message: string): FrameworkName | undefined {
  const match = /\b(transformers|accelerate|deepspeed|trl) (?:before )?\d+\.\d/i.exec(message);
  const name = match?.[1]?.toLowerCase();
  return (['transformers', 'accelerate', 'deepspeed', 'trl'] as const).find((each) => each === name);
}
