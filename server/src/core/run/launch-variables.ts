import { type Known, known } from './known';
import type { Command, Script } from './shell';
import type { Word } from './shell-words';

/**
 * The variables of a launch line: those of its shell, and what the words in front of the launcher hand on: `env NAME=value`,
 * `mpirun -x NAME=value`, `srun --export=ALL,NAME=value`, and the same of `#SBATCH --export`.
 */
export function handedOn(
  words: readonly Word[],
  { environment }: Pick<Command, 'environment'>,
  { slurm }: Pick<Script, 'slurm'>,
): ReadonlyMap<string, Known<string>> {
  const exported = slurm.get('export');
  const found = [...(exported ? listed(exported, exported.raw) : []), ...environment];
  words.forEach((word, index) => {
    const list = /^--export=(.+)$/.exec(word.raw)?.[1];
    if (list !== undefined) found.push(...listed(word, list));
    else if (ASSIGNMENT.test(word.raw)) found.push(...assigned(word, words[index - 1]));
  });
  return found.length === environment.size ? environment : new Map(found);
}

const ASSIGNMENT = /^[A-Z_][A-Z0-9_]*=/;

/** A variable behind `-x` stands for both words, since one cannot go without the other. */
function assigned(word: Word, before: Word | undefined): [string, Known<string>][] {
  const { text } = word;
  const equals = word.raw.indexOf('=');
  const name = word.raw.slice(0, equals);
  if (!text.known || text.origin.kind !== 'file') return text.known ? [] : [[name, text]];
  const start = before?.raw === '-x' ? before.start : word.start;
  return [[name, known(text.value.slice(equals + 1), { ...text.origin, start, key: name })]];
}

function listed({ text }: Word, list: string): [string, Known<string>][] {
  if (!text.known) return [];
  return list.split(',').flatMap((part) => {
    const equals = part.indexOf('=');
    return ASSIGNMENT.test(part) ? [[part.slice(0, equals), known(part.slice(equals + 1), text.origin)]] : [];
  });
}
