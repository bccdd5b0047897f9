import type { Launcher } from './launch';
import type { Word } from './shell';
import type { Written } from './written';

/** Launcher flags that take no value: the word after them can be the script. */
export const BARE_FLAGS: Readonly<Record<Launcher, ReadonlySet<string>>> = {
  accelerate: new Set(
    'multi_gpu use_deepspeed use_fsdp use_megatron_lm use_parallelism_config cpu tpu debug quiet q same_network no_python module m use_xpu ipex enable_cpu_affinity no_tpu_cluster tpu_use_sudo'.split(
      ' ',
    ),
  ),
  deepspeed: new Set(
    'no_ssh no_ssh_check force_multi no_python no_local_rank module save_pid bind_cores_to_rank enable_elastic_training'.split(
      ' ',
    ),
  ),
  torchrun: new Set('standalone no_python module m run_path use_env'.split(' ')),
  trl: new Set(),
  python: new Set(),
};

interface Flags {
  readonly flags: ReadonlyMap<string, Written>;
  readonly positional: readonly Word[];
  /** Index of the word that ended the reading: the script. */
  readonly next: number;
}

/** Reads `--name value`, `--name=value` and bare `--name`; with `untilWord` it stops at the first word that is no flag. */
export function readFlags(
  words: readonly Word[],
  start: number,
  bare: ReadonlySet<string> | undefined,
  untilWord: boolean,
): Flags {
  const flags = new Map<string, Written>();
  const positional: Word[] = [];
  let i = start;
  while (i < words.length) {
    const word = words[i];
    if (!word) break;
    const match = /^--?([A-Za-z][\w.-]*)(=?)/.exec(word.raw);
    if (!match) {
      if (untilWord) break;
      positional.push(word);
      i++;
      continue;
    }
    const name = (match[1] ?? '').replaceAll('-', '_');
    const following = words[i + 1];
    if (match[2] === '=') flags.set(name, flag(name, word, word, match[0].length));
    else if (following && !bare?.has(name) && takesValue(following, untilWord && bare !== undefined)) {
      flags.set(name, flag(name, word, following, 0));
      i++;
    } else flags.set(name, { ...flag(name, word, word, 0), plain: true, templated: false });
    i++;
  }
  return { flags, positional, next: i };
}

function takesValue(word: Word, beforeScript: boolean): boolean {
  if (/^--?[A-Za-z]/.test(word.raw)) return false;
  return !(beforeScript && /\.py["']?$/.test(word.raw));
}

function flag(name: string, option: Word, value: Word, skip: number): Written {
  const { text } = value;
  const origin = text.known ? text.origin : (text.origin ?? { kind: 'assumed', because: 'a launch line' });
  const place = origin.kind === 'file' ? { ...origin, start: option.start, end: value.end, key: `--${name}` } : origin;
  return {
    key: `--${name}`,
    plain: text.known ? text.value.slice(skip) : text.why,
    origin: place,
    from: 'flag',
    templated: !text.known,
    literal: text.known && !/[$`]/.test(option.raw + value.raw),
    ...(value.variable && { variable: value.variable }),
  };
}
