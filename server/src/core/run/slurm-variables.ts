import type { Path } from '../source';
import { type Known, known, unknown } from './known';
import type { Word } from './shell-words';

/** Options of `#SBATCH` lines, by long name. */
type SlurmOptions = ReadonlyMap<string, Word>;

const COUNT = /^(\d+)$/;

/** Output variables of sbatch that are an option of the job as it stands (Slurm, sbatch manual page, output environment variables). */
const OPTIONS: Readonly<Record<string, string>> = {
  SLURM_NNODES: 'nodes',
  SLURM_JOB_NUM_NODES: 'nodes',
  SLURM_NTASKS: 'ntasks',
  SLURM_NPROCS: 'ntasks',
  SLURM_NTASKS_PER_NODE: 'ntasks-per-node',
  SLURM_GPUS_PER_NODE: 'gpus-per-node',
};

/** `-N 2` and its like, by long name. */
const SHORT: Readonly<Record<string, string>> = { N: 'nodes', n: 'ntasks', G: 'gpus', p: 'partition' };

/** The options of a comment that begins at `start`, by long name; none where it is no `#SBATCH` line. Those of `srun` are written alike. */
export function* slurmOptions(path: Path, comment: string, start: number): Generator<readonly [string, Word]> {
  const [head, of] = /^(#SBATCH|srun)\s+/.exec(comment) ?? [];
  if (head === undefined) return;
  const option = /(?:--([a-z-]+)(?:[= ]\s*([^\s#]+))?|-([A-Za-z])\s*([^\s#-][^\s#]*))/g;
  for (const match of comment.slice(head.length).matchAll(option)) {
    const name = match[1] ?? SHORT[match[3] ?? ''];
    const raw = match[2] ?? match[4];
    if (name === undefined || raw === undefined) continue;
    const begin = start + head.length + match.index;
    const end = begin + match[0].length;
    const origin = { kind: 'file', path, start: begin, end, key: `${of} --${name}` } as const;
    yield [name, { raw, start: begin, end, text: known(raw, origin) }];
  }
}

/** The options of the job with those that srun gives its step; GPUs can be asked for in several ways, of which srun's stand alone. */
export function stepOptions(path: Path, words: readonly Word[], job: SlurmOptions): SlurmOptions {
  const own = words.flatMap(({ raw, start }, index) => {
    const value = /=|^-\w\d/.test(raw) ? '' : words[index + 1]?.raw;
    return [...slurmOptions(path, `srun ${raw} ${value}`, start - 5)];
  });
  const isGpus = ([name]: readonly [string, Word]) => /^g(pus|res)/.test(name);
  return new Map([...(own.some(isGpus) ? [...job].filter((option) => !isGpus(option)) : job), ...own]);
}

/** What Slurm sets a variable of a batch script to; undefined for other variables, and where the option is no plain number. */
export function slurmVariable(name: string, slurm: SlurmOptions): Known<string> | undefined {
  if (!name.startsWith('SLURM_')) return undefined;
  const count = name === 'SLURM_GPUS_ON_NODE' ? slurmGpus(slurm) : countOf(slurm.get(OPTIONS[name] ?? ''), COUNT);
  return count?.known ? known(String(count.value), count.origin) : undefined;
}

/** `--nodes` of the job; not known where it is a range or filled in later, since then Slurm decides. */
export function slurmNodes(slurm: SlurmOptions): Known<number> | undefined {
  const word = slurm.get('nodes');
  return word && (countOf(word, COUNT) ?? unknown('#SBATCH --nodes is not written as one number', word.text.origin));
}

/** GPUs that the job, or a step of it, has on each node; those of all nodes are known of one alone. */
export function slurmGpus(slurm: SlurmOptions): Known<number> | undefined {
  const all = slurm.get('gpus') ?? slurm.get('gpus-per-task');
  const isOne = ['nodes', 'ntasks'].some((name) => slurm.get(name)?.raw === '1');
  return (
    countOf(slurm.get('gpus-per-node'), /(\d+)$/) ??
    countOf(slurm.get('gres'), /^gpu(?::[\w.-]+)*?:(\d+)/) ??
    (isOne ? countOf(slurm.get('gpus'), /(\d+)$/) : undefined) ??
    (all && unknown('Slurm is not told the GPUs of each node', all.text.origin))
  );
}

/** Processes that srun starts on each node. */
export function slurmTasks(slurm: SlurmOptions): Known<number> | undefined {
  return countOf(slurm.get('ntasks-per-node'), COUNT);
}

function countOf(word: Word | undefined, pattern: RegExp): Known<number> | undefined {
  if (!word?.text.known) return undefined;
  const found = pattern.exec(word.text.value);
  return found ? known(Number(found[1]), word.text.origin) : undefined;
}
