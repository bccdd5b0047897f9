import { isInside, join } from '../paths';
import type { FileFinder } from './files';
import { type Known, known } from './known';
import { at, items, type SlurmCluster, slurmClusterOf, text } from './slurm-cluster';
import type { RunSources } from './sources';
import { textFrom } from './written';

export type StorageKind = 'lustre' | 'fsx' | 'efs' | 'ebs' | 's3' | 'sagemaker' | 'instance-store' | 'memory';

/** What lies under the folder that checkpoints are written to. */
export interface Storage {
  /** `output_dir`, as it is written. */
  readonly folder: string;
  readonly kind: StorageKind;
  /** As shown: `FSx for Lustre`. */
  readonly name: string;
  /** Throughput that a file of the project provisions, and how it comes about. */
  readonly provisioned?: { readonly bytesPerSecond: number; readonly because: string } | undefined;
}

/**
 * Where checkpoints go: a file system of the ParallelCluster file that the run's Slurm script belongs to, else what the path means by
 * the habits of AWS's images and samples. Undefined for every other path.
 */
export function readStorage({ args, links }: RunSources, finder: FileFinder): Known<Storage> | undefined {
  const written = args.get('output_dir');
  const folder = written && textFrom(written);
  if (!folder?.known) return undefined;
  const cluster = slurmClusterOf(links.launch, finder);
  const found = (cluster && mounted(cluster, folder.value)) ?? byHabit(folder.value);
  return found && known({ ...found, folder: folder.value }, folder.origin);
}

type Found = Omit<Storage, 'folder'>;

const HABITS: readonly (readonly [RegExp, StorageKind, string])[] = [
  [/^s3a?:\/\//, 's3', 'S3'],
  [/^\/dev\/shm(?:\/|$)/, 'memory', 'shared memory'],
  [/^\/opt\/ml\/(?:checkpoints|model|output)(?:\/|$)/, 'sagemaker', "SageMaker's volume"],
  // Instance store of the DLAMI, of EKS images, and by its usual names.
  [
    /^\/(?:opt\/dlami\/nvme|mnt\/k8s-disks|(?:mnt\/)?local_?nvme|(?:mnt\/)?nvme\d*)(?:\/|$)/,
    'instance-store',
    'local NVMe',
  ],
  [/^\/(?:mnt\/|data\/)?fsx(?:\/|$)/, 'fsx', 'FSx'],
  [/^\/(?:mnt\/)?efs(?:\/|$)/, 'efs', 'EFS'],
];

function byHabit(folder: string): Found | undefined {
  const habit = HABITS.find(([pattern]) => pattern.test(folder));
  return habit && { kind: habit[1], name: habit[2] };
}

/** The shared file system of ParallelCluster that the folder lies in, or its instance store, which is at /scratch by default. */
function mounted(cluster: SlurmCluster, folder: string): Found | undefined {
  if (!folder.startsWith('/')) return undefined;
  const lies = (mount: string | undefined): boolean =>
    mount !== undefined && isInside(join('', mount), join('', folder));
  const shared = items(at(cluster.root, 'SharedStorage')).find((it) => lies(text(at(it, 'MountDir'))));
  const type = text(at(shared, 'StorageType'));
  if (type === 'FsxLustre')
    return { kind: 'lustre', name: 'FSx for Lustre', provisioned: lustre(at(shared, 'FsxLustreSettings')) };
  if (type === 'FsxOntap' || type === 'FsxOpenZfs')
    return { kind: 'fsx', name: type === 'FsxOntap' ? 'FSx for ONTAP' : 'FSx for OpenZFS' };
  if (type === 'Efs')
    return { kind: 'efs', name: 'EFS', provisioned: mebibytes(at(shared, 'EfsSettings'), 'ProvisionedThroughput') };
  if (type === 'Ebs') return { kind: 'ebs', name: 'EBS', provisioned: volume(at(shared, 'EbsSettings')) };
  const queues = items(at(cluster.root, 'Scheduling', 'SlurmQueues'));
  const scratch = queues.map(
    (it) => text(at(it, 'ComputeSettings', 'LocalStorage', 'EphemeralVolume', 'MountDir')) ?? '/scratch',
  );
  return scratch.some(lies) ? { kind: 'instance-store', name: 'local NVMe' } : undefined;
}

/** MB/s per TiB of scratch file systems (AWS FSx for Lustre guide, performance). */
const SCRATCH = 200;

function lustre(settings: ReturnType<typeof at>): Storage['provisioned'] {
  const capacity = Number(text(at(settings, 'StorageCapacity')));
  const isPersistent = text(at(settings, 'DeploymentType'))?.startsWith('PERSISTENT') === true;
  const perUnit = Number(text(at(settings, 'PerUnitStorageThroughput')) ?? (isPersistent ? Number.NaN : SCRATCH));
  if (!(capacity > 0) || !(perUnit > 0)) return undefined;
  const tebibytes = capacity / 1024;
  return {
    bytesPerSecond: tebibytes * perUnit * 1e6,
    because: `${Number(tebibytes.toFixed(1))} TiB × ${perUnit} MB/s`,
  };
}

function mebibytes(settings: ReturnType<typeof at>, key: string): Storage['provisioned'] {
  const throughput = Number(text(at(settings, key)));
  return throughput > 0
    ? { bytesPerSecond: throughput * 2 ** 20, because: `${key} of ${throughput} MiB/s` }
    : undefined;
}

/** Only gp3 has a throughput of its own. */
function volume(settings: ReturnType<typeof at>): Storage['provisioned'] {
  return text(at(settings, 'VolumeType')) === 'gp3' && at(settings, 'Raid') === undefined
    ? (mebibytes(settings, 'Throughput') ?? { bytesPerSecond: 125 * 2 ** 20, because: "gp3's 125 MiB/s" })
    : undefined;
}
