import type { Hosts } from './hostfile';
import { type Known, known, unknown } from './known';
import type { Launch } from './launch';
import { slurmGpus, slurmNodes, slurmTasks } from './slurm-variables';
import { countFrom, type Written } from './written';

/** What a launch line says about the size of the run; each undefined where it says nothing. */
export interface LaunchSize {
  readonly processes: Known<number> | undefined;
  readonly nodes: Known<number> | undefined;
  readonly perNode: Known<number> | undefined;
}

/** The hosts of the hostfile that a launch line names; undefined where it names none. */
export type ReadHosts = (launch: Launch) => Hosts | undefined;

/**
 * Sizes by the rules of each launcher: accelerate counts all processes, torchrun and deepspeed those of one node. What nothing
 * says is not known where the line has words that cannot be read.
 */
export function sizeOf(launch: Launch, hosts?: ReadHosts): LaunchSize {
  const said = sizeSaid(launch, hosts);
  const { unread, launcher } = launch;
  if (!unread || launcher === 'python') return said;
  const unsaid = unknown<number>(`${unread.raw} of the launch line is not known, and may say it`, unread.text.origin);
  const countsAll = launcher === 'accelerate' || launcher === 'trl';
  return {
    processes: said.processes ?? (countsAll ? unsaid : undefined),
    nodes: said.nodes ?? unsaid,
    perNode: said.perNode ?? (countsAll ? undefined : unsaid),
  };
}

function sizeSaid(launch: Launch, hosts?: ReadHosts): LaunchSize {
  const { flags, launcher, slurm, srun } = launch;
  if (launcher === 'accelerate' || launcher === 'trl') {
    const source = launcher === 'trl' ? launch.arguments : flags;
    const processes = countAt(source.get('num_processes'));
    // Without a number, and without a file that has it, one for each GPU (accelerate commands/launch.py:1324, 1.15.0).
    const takesAll = !processes && !flags.has('config_file');
    return { processes, nodes: countAt(source.get('num_machines')), perNode: takesAll ? gpusOf(launch) : undefined };
  }
  if (launcher === 'torchrun') {
    const nodes = countAt(flags.get('nnodes'));
    return { processes: undefined, nodes, perNode: countPerNode(flags.get('nproc_per_node'), launch) };
  }
  if (launcher === 'deepspeed') return sizeOfDeepspeed(launch, hosts);
  return {
    processes: undefined,
    nodes: srun ? slurmNodes(slurm) : undefined,
    perNode: srun ? slurmTasks(slurm) : undefined,
  };
}

/**
 * The launcher's filters choose among the hosts of its hostfile; `--num_nodes` and `--num_gpus` take the first of them. Without a
 * hostfile it stays on its own machine, whatever the job has (deepspeed/launcher/runner.py:214 and 467, 0.19.8).
 */
function sizeOfDeepspeed(launch: Launch, readHosts: ReadHosts | undefined): LaunchSize {
  const { flags, slurm } = launch;
  const filter = flags.get('include') ?? flags.get('i');
  const hosts = readHosts?.(launch);
  const counted = hosts?.nodes.known ? hosts.nodes : undefined;
  const without = notCounted(flags.get('exclude') ?? flags.get('e'));
  return {
    processes: undefined,
    nodes:
      countAt(flags.get('num_nodes')) ??
      includedHosts(filter) ??
      // A hostfile that is not there is made from the nodes of the job.
      (hosts && (without ?? counted ?? slurmNodes(slurm) ?? hosts.nodes)),
    perNode:
      countAt(flags.get('num_gpus')) ??
      included(filter) ??
      visible(launch) ??
      (filter ? undefined : (hosts?.perNode ?? without ?? slurmGpus(slurm))),
  };
}

function countAt(written: Written | undefined): Known<number> | undefined {
  return written && countFrom(written);
}

/** `gpu` and `auto` are all GPUs that a node has (torch/distributed/run.py, determine_local_world_size). */
function countPerNode(written: Written | undefined, launch: Launch): Known<number> | undefined {
  return written?.plain === 'gpu' || written?.plain === 'auto' ? gpusOf(launch) : countAt(written);
}

/** GPUs that a launcher sees on its node. */
function gpusOf(launch: Launch): Known<number> | undefined {
  return visibleIn(launch) ?? slurmGpus(launch.slurm);
}

/** Without filters of its own the deepspeed launcher takes CUDA_VISIBLE_DEVICES as --include (launcher/runner.py:448, 0.19.8). */
function visible(launch: Launch): Known<number> | undefined {
  const isFiltered = ['num_nodes', 'exclude', 'e', 'hostfile', 'H'].some((flag) => launch.flags.has(flag));
  return isFiltered ? undefined : visibleIn(launch);
}

function visibleIn({ environment }: Launch): Known<number> | undefined {
  const found = environment.get('CUDA_VISIBLE_DEVICES');
  if (!found?.known || !/^\d+(,\d+)*$/.test(found.value.trim())) return undefined;
  return known(found.value.split(',').length, found.origin);
}

/** `--include localhost:0,1,2,3` names the GPUs of one host. */
function included(written: Written | undefined): Known<number> | undefined {
  if (!written || written.templated || typeof written.plain !== 'string') return undefined;
  const ids = /^[\w.-]+:(\d+(?:,\d+)*)$/.exec(written.plain)?.[1];
  return ids === undefined ? undefined : known(ids.split(',').length, written.origin);
}

/** `--include worker-0@worker-1:0,2` takes two hosts (launcher/runner.py, parse_resource_filter, 0.18.5). */
function includedHosts(written: Written | undefined): Known<number> | undefined {
  if (!written) return undefined;
  const names = written.templated || typeof written.plain !== 'string' ? [] : written.plain.split('@');
  const hosts = new Set(names.map((name) => name.split(':')[0]));
  return hosts.size > 0 ? known(hosts.size, written.origin) : unknown(`${written.key} cannot be read`, written.origin);
}

function notCounted(written: Written | undefined): Known<number> | undefined {
  return written && unknown(`${written.key} leaves out hosts or GPUs`, written.origin);
}
