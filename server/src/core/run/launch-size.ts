import { type Known, known } from './known';
import type { Launch } from './launch';
import type { Word } from './shell';
import { countFrom, type Written } from './written';

/** What a launch line says about the size of the run; each undefined where it says nothing. */
export interface LaunchSize {
  readonly processes: Known<number> | undefined;
  readonly nodes: Known<number> | undefined;
  readonly perNode: Known<number> | undefined;
}

/** Sizes by the rules of each launcher: accelerate counts all processes, torchrun and deepspeed those of one node. */
export function sizeOf(launch: Launch): LaunchSize {
  const { flags, slurm } = launch;
  const slurmNodes = countOf(slurm.get('nodes'), /^(\d+)$/);
  const slurmGpus =
    countOf(slurm.get('gpus-per-node'), /(\d+)$/) ?? countOf(slurm.get('gres'), /^gpu(?::[\w.-]+)*?:(\d+)/);
  if (launch.launcher === 'accelerate' || launch.launcher === 'trl') {
    const source = launch.launcher === 'trl' ? launch.arguments : flags;
    return {
      processes: countAt(source.get('num_processes')),
      nodes: countAt(source.get('num_machines')) ?? slurmNodes,
      perNode: slurmGpus,
    };
  }
  if (launch.launcher === 'torchrun') {
    return {
      processes: undefined,
      nodes: countAt(flags.get('nnodes')) ?? (flags.has('standalone') ? undefined : slurmNodes),
      perNode: countPerNode(flags.get('nproc_per_node')) ?? slurmGpus,
    };
  }
  if (launch.launcher === 'deepspeed') {
    return {
      processes: undefined,
      nodes: countAt(flags.get('num_nodes')) ?? slurmNodes,
      perNode:
        countAt(flags.get('num_gpus')) ??
        included(flags.get('include') ?? flags.get('i')) ??
        visible(launch) ??
        slurmGpus,
    };
  }
  const tasks = launch.srun ? countOf(slurm.get('ntasks-per-node'), /^(\d+)$/) : undefined;
  return { processes: undefined, nodes: launch.srun ? slurmNodes : undefined, perNode: tasks };
}

function countAt(written: Written | undefined): Known<number> | undefined {
  return written && countFrom(written);
}

/** `gpu` and `auto` are all GPUs that a node has (torch/distributed/run.py, determine_local_world_size). */
function countPerNode(written: Written | undefined): Known<number> | undefined {
  return written?.plain === 'gpu' || written?.plain === 'auto' ? undefined : countAt(written);
}

function countOf(word: Word | undefined, pattern: RegExp): Known<number> | undefined {
  if (!word?.text.known) return undefined;
  const found = pattern.exec(word.text.value);
  return found ? known(Number(found[1]), word.text.origin) : undefined;
}

/** Without filters of its own the deepspeed launcher takes CUDA_VISIBLE_DEVICES as --include (launcher/runner.py:448, 0.19.8). */
function visible({ environment, flags }: Launch): Known<number> | undefined {
  const found = environment.get('CUDA_VISIBLE_DEVICES');
  const isFiltered = ['num_nodes', 'exclude', 'e', 'hostfile', 'H'].some((flag) => flags.has(flag));
  if (isFiltered || !found?.known || !/^\d+(,\d+)*$/.test(found.value.trim())) return undefined;
  return known(found.value.split(',').length, found.origin);
}

/** `--include localhost:0,1,2,3` names the GPUs of one host. */
function included(written: Written | undefined): Known<number> | undefined {
  if (!written || written.templated || typeof written.plain !== 'string') return undefined;
  const ids = /^[\w.-]+:(\d+(?:,\d+)*)$/.exec(written.plain)?.[1];
  return ids === undefined ? undefined : known(ids.split(',').length, written.origin);
}
