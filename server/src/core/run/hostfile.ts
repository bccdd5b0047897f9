import { isAbsolute, join } from '../paths';
import type { FileFinder } from './files';
import { type Known, known, type Origin, unknown } from './known';
import { type Launch, placeOf } from './launch';

/** The machines of a hostfile. */
export interface Hosts {
  readonly nodes: Known<number>;
  /** Slots of each host; undefined where they differ, or where the file could not be read. */
  readonly perNode: Known<number> | undefined;
}

/** The hosts that a launch line of deepspeed names by `--hostfile`; undefined where it has no such flag. */
export function hostsOf(launch: Launch, finder: FileFinder): Hosts | undefined {
  const { launcher, flags, path } = launch;
  const written = launcher === 'deepspeed' ? (flags.get('hostfile') ?? flags.get('H')) : undefined;
  if (!written) return undefined;
  const unread = {
    nodes: unknown<number>(`the file of ${written.key} cannot be read`, written.origin),
    perNode: undefined,
  };
  if (written.templated || typeof written.plain !== 'string') return unread;
  const name = placeOf(launch, written.plain);
  const places = isAbsolute(name) ? [join('', name)] : finder.foldersUp(path).map((folder) => join(folder, name));
  for (const place of places) {
    finder.dependencies.add(place);
    const read = finder.workspace.read(place);
    if (read.ok) return hostsIn(read.text, written.origin) ?? unread;
  }
  return unread;
}

/**
 * `worker-1 slots=8` on each line, and comments; undefined where DeepSpeed would refuse the text (launcher/runner.py,
 * _parse_hostfile, 0.18.5).
 */
function hostsIn(text: string, origin: Origin): Hosts | undefined {
  const slots = new Map<string, number>();
  for (const line of text.split('\n').map((it) => it.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, host = '', count] = /^(\S+)\s+slots=(\d+)/.exec(line) ?? [];
    if (count === undefined || slots.has(host)) return undefined;
    slots.set(host, Number(count));
  }
  const [first, ...others] = slots.values();
  if (first === undefined) return undefined;
  const agree = first > 0 && others.every((one) => one === first);
  return { nodes: known(slots.size, origin), perNode: agree ? known(first, origin) : undefined };
}
