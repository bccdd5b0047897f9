import { kept } from '../kept';
import { dirname, join } from '../paths';
import type { Path } from '../source';
import type { FileFinder } from './files';
import { type Known, known } from './known';
import type { Links } from './links';
import { manifestValues } from './manifest';
import { JOB_FACTS, PATH_FACTS } from './manifest-values';
import type { RunSources } from './sources';
import type { TrainingRun } from './training-run';

const TELLING =
  /^(NCCL_|FI_|NEURON_LOGICAL_NC_CONFIG$|NEURON_RT_VIRTUAL_CORE_SIZE$|OMP_NUM_THREADS$|PYTORCH_(CUDA_)?ALLOC_CONF$|CUDA_VISIBLE_DEVICES$|CUDA_LAUNCH_BLOCKING$)/;

/** Where DeepSpeed's launcher finds variables for the other nodes (deepspeed/launcher/runner.py, DEEPSPEED_ENVIRONMENT_NAME). */
const DEEPSPEED_ENV = '.deepspeed_env';

const made = kept<Links, TrainingRun['environment']>();

/**
 * Variables that change paths and allocation: those of the launch line, else of the Kubernetes manifest that starts it, else
 * of the file that DeepSpeed's launcher adds. With them what else decides paths: EFA interfaces, and shared memory.
 */
export function readEnvironment({ links }: Pick<RunSources, 'links'>, finder: FileFinder): TrainingRun['environment'] {
  const known = made.get(links);
  if (known) return known;
  const environment = gather(links, finder);
  made.set(links, environment);
  return environment;
}

function gather(links: Links, finder: FileFinder): TrainingRun['environment'] {
  const { launch } = links;
  const environment: Record<string, Known<string>> = {};
  if (launch?.launcher === 'deepspeed') addFile(join(dirname(launch.path), DEEPSPEED_ENV), finder, environment);
  for (const [name, value] of manifestValues(links, finder))
    if (TELLING.test(name) || PATH_FACTS.has(name)) environment[name] = value;
  for (const [name, value] of launch?.environment ?? []) if (TELLING.test(name)) environment[name] = value;
  return environment;
}

/** What the manifest or the Slurm cluster of the launch says of the job beside variables, by the names of manifest-values.ts. */
export function readJob({ links }: Pick<RunSources, 'links'>, finder: FileFinder): NonNullable<TrainingRun['job']> {
  const values = manifestValues(links, finder);
  const job: Record<string, Known<string>> = {};
  for (const name of JOB_FACTS) {
    const value = values.get(name);
    if (value) job[name] = value;
  }
  return job;
}

/** Lines `NAME=value`. */
function addFile(path: Path, finder: FileFinder, environment: Record<string, Known<string>>): void {
  finder.dependencies.add(path);
  const read = finder.workspace.read(path);
  if (!read.ok) return;
  for (const line of read.text.matchAll(/^([A-Za-z_]\w*)=(.*?)\r?$/gm)) {
    const [whole, name = '', value = ''] = line;
    if (!TELLING.test(name)) continue;
    const place = { start: line.index, end: line.index + whole.trimEnd().length };
    environment[name] = known(value.trim(), { kind: 'file', path, ...place, key: name });
  }
}
