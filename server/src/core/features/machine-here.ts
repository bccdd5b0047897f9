import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { Cluster } from '../hardware/hardware';
import type { TrainingRun } from '../run/training-run';
import type { DescribedSetting } from '../schema/settings';
import { stringOf } from '../settings';
import { counted, formatBytes, formatGib, formatRate, formatSeconds } from '../text/format';

/** What a path or a number of workers comes to on the machine of this run; empty for every other key. */
export function machineHere({ setting, key }: DescribedSetting, analysis: Analysis, catalogs: Catalogs): string[] {
  const { run } = analysis;
  if (!run) return [];
  if (key === 'output_dir') {
    const bytes = run.saves.known && run.saves.value ? analysis.estimate()?.checkpoint?.bytes : undefined;
    return bytes === undefined ? [] : [here(checkpointWords(bytes, run, catalogs))];
  }
  if (TOKENISING.has(key) && run.cluster.known)
    return [here(tokeniserWords(run.cluster.value))].filter((it) => it !== '');
  return stringOf(setting)?.startsWith('s3://') === true ? [here(S3_DATA)] : [];
}

function here(words: string | undefined): string {
  return words === undefined ? '' : `**Here:** ${words}`;
}

/** Keys that say how many processes tokenise before the first step. */
const TOKENISING = new Set(['preprocessing_num_workers', 'dataset_num_proc', 'dataset_map_num_proc']);

/** Amazon S3 user guide, performance: 5,500 reads a second for each prefix, 100–200 ms to the first byte. */
const S3_DATA =
  'S3 answers after tens of milliseconds, 5,500 times a second for each prefix: data that every epoch reads are faster on local NVMe, on FSx for Lustre linked to the bucket, or through the S3 connector for PyTorch.';

/** Time that a checkpoint takes where it goes; at least, where only a ceiling is known. */
function checkpointWords(bytes: number, run: TrainingRun, catalogs: Catalogs): string {
  const size = `a checkpoint that can be resumed from takes ${formatGib(bytes)}`;
  const at = (rate: number): string => `${formatSeconds(bytes / rate)} at ${formatRate(rate)}`;
  const storage = run.storage?.known ? run.storage.value : undefined;
  if (storage?.provisioned) {
    const { bytesPerSecond, because } = storage.provisioned;
    return `${size}, about ${at(bytesPerSecond)}, which ${storage.name} has here (${because}).`;
  }
  switch (storage?.kind) {
    case 'lustre':
    case 'fsx':
      return `${size}. ${storage.name} writes as fast as it was provisioned: ${at(1e9)}.`;
    case 'efs':
      return `${size}. One node writes some 1.5 GB/s to EFS at most: ${formatSeconds(bytes / EFS_CLIENT)}.`;
    case 's3':
      return `${size}, and the Trainer writes to folders only.`;
    case 'sagemaker':
      return `${size}. SageMaker copies /opt/ml/checkpoints to S3 as the job runs, where \`checkpoint_s3_uri\` is set, and /opt/ml/model at its end.`;
    case 'instance-store':
      return `${size}, and ${storage.name} goes with the machine${driveWords(bytes, run)}.`;
    case 'memory':
      return `${size}, here of the host's memory, and goes with the machine.`;
    default:
      return `${size}${volumeWords(bytes, run, catalogs)}.`;
  }
}

/** EFS user guide, quotas: 1,500 MiB/s for one client. */
const EFS_CLIENT = 1.5e9;

function driveWords(bytes: number, { cluster, nodes }: TrainingRun): string {
  const rate = cluster.known ? cluster.value.host.nvmeWriteBytesPerSecond : undefined;
  return rate === undefined || !cluster.known || !nodes.known
    ? ''
    : `; each node writes its part in some ${formatSeconds(bytes / cluster.value.nodes / rate)}`;
}

/** All EBS volumes of an instance together are no faster than its limit. */
function volumeWords(bytes: number, { cluster }: TrainingRun, { hardware }: Catalogs): string {
  const id = cluster.known ? cluster.value.instanceId : undefined;
  const gigabits = id === undefined ? undefined : hardware.instance(id)?.ebs_gbps;
  if (gigabits === undefined) return '';
  const rate = (gigabits * 1e9) / 8;
  return `. On EBS ${id} writes ${formatRate(rate)} at most: ${formatSeconds(bytes / rate)} or more where one node writes all of it`;
}

/** Tokenising while accelerators wait, and what else could do it. */
function tokeniserWords({ host, instanceId, gpusPerNode, pricePerNodeHour: price }: Cluster): string | undefined {
  const { vcpus } = host;
  if (vcpus === undefined) return undefined;
  const cost = price ? `, at ${price.usd.toFixed(2)} USD an hour` : '';
  const memory = host.memoryBytes === undefined ? '' : ` and ${formatBytes(host.memoryBytes)}`;
  return `${instanceId ?? 'a node'} has ${vcpus} vCPUs${memory} for ${counted(gpusPerNode, 'rank')}. Its GPUs wait while samples are tokenised${cost}: done once on a machine without GPUs (Graviton, Glue, EMR, Ray Data) and kept with \`save_to_disk\`, only reading is left.`;
}
