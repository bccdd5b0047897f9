import { basename, join } from '../paths';
import type { Path } from '../source';
import { type Known, known, unknown } from './known';

/** What the file that starts a run says, by the names of variables and resources, and by the names below. */
export type ManifestValues = ReadonlyMap<string, Known<string>>;

/** Shared memory of a pod: the size it has, where it mounts none of its own. */
export const SHARED_MEMORY = '/dev/shm';
/** How Kubernetes counts EFA interfaces of a pod. */
export const EFA_RESOURCE = 'vpc.amazonaws.com/efa';
/** Kind of machine, as its provider calls it. */
export const INSTANCE = 'instance type';
export const NODES = 'nodes of the job';
export const PROCESSES = 'processes per node';
/** `true` where machines may be taken away at any time. */
export const SPOT = 'Spot';
/** `true` or `false`: whether the nodes of a ParallelCluster queue have EFA. */
export const EFA_ENABLED = 'Efa.Enabled';
/** `true` or `false`: whether they share a cluster placement group. */
export const PLACEMENT_GROUP = 'PlacementGroup.Enabled';
/** Most nodes that a queue can start. */
export const QUEUE_NODES = 'MaxCount';
/** Who starts all pods of a job together; `none` where nobody is named. */
export const GANG = 'gang scheduling';
/** How a SageMaker estimator starts processes; `none` where it says nothing. */
export const DISTRIBUTION = 'distribution';
/** Container image of the run. */
export const IMAGE = 'image';

/** What decides paths as variables do, and is kept beside them. */
export const PATH_FACTS: ReadonlySet<string> = new Set([SHARED_MEMORY, EFA_RESOURCE, EFA_ENABLED]);

/** What else is known of the job and its machines. */
export const JOB_FACTS = [SPOT, PLACEMENT_GROUP, QUEUE_NODES, GANG, DISTRIBUTION, IMAGE] as const;

/** A value, and where in the text it stands. */
export interface Found {
  readonly value: string;
  readonly at: number;
}

/** Gathers values by name. Two different values of one name are none, and what a template fills in proves nothing. */
export class ValueCollector {
  private readonly values = new Map<string, Known<string>>();
  private readonly differing = new Set<string>();
  private readonly open = new Map<string, Known<string>>();

  constructor(private readonly path: Path) {}

  /** What the file says in words that cannot be read, so that no default stands in for it. */
  addOpen(name: string, { value, at }: Found, key: string): void {
    const place = { kind: 'file', path: this.path, start: at, end: at + value.length, key } as const;
    this.open.set(name, unknown(`${key} of ${basename(this.path)} does not count them in plain words`, place));
  }

  /** `key` is the value's own name in the file, for showing. */
  add(name: string, { value, at }: Found, key = name): void {
    const before = this.values.get(name);
    if (before?.known && before.value !== value) this.differing.add(name);
    if (TEMPLATE.test(value)) return;
    this.values.set(name, known(value, { kind: 'file', path: this.path, start: at, end: at + value.length, key }));
  }

  result(): ManifestValues {
    for (const name of this.differing) this.values.delete(name);
    for (const [name, value] of this.open) this.values.set(name, value);
    return this.values;
  }
}

const TEMPLATE = /\{\{|\$[({\w]/;

/** The first group of each match, with its place: the last time that it stands in the match. */
export function allFound(text: string, pattern: RegExp): Found[] {
  return [...text.matchAll(pattern)].map((found) => {
    const value = found[1] ?? '';
    return { value, at: found.index + found[0].lastIndexOf(value) };
  });
}

/** Where projects keep manifests: beside their configs, or in a folder there. */
export function manifestFolders(folder: Path): readonly Path[] {
  return [folder, join(folder, 'k8s'), join(folder, 'kubernetes')];
}
