import type { Launcher } from './launch';
import type { Word } from './shell-words';
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
  /** The first word that may stand for flags, which cannot be read: `$DISTRIBUTED_ARGS`. */
  readonly unread: Word | undefined;
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
  const script = untilWord ? words.findLastIndex(({ raw }) => SCRIPT.test(raw)) : -1;
  let unread: Word | undefined;
  let i = start;
  while (i < words.length) {
    const word = words[i];
    if (!word) break;
    const match = /^--?([A-Za-z][\w.-]*)(=?)/.exec(word.raw);
    if (!match) {
      const isUnread = mayBeFlags(word);
      if (isUnread) unread ??= word;
      if (untilWord && isUnread && (i < script || NAMES_FLAGS.test(word.raw))) {
        i++;
        continue;
      }
      if (untilWord) break;
      positional.push(word);
      i++;
      continue;
    }
    const name = (match[1] ?? '').replaceAll('-', '_');
    const following = words[i + 1];
    if (match[2] === '=') flags.set(name, flag(name, word, word, match[0].length));
    else if (following && !bare?.has(name) && takesValue(following, untilWord && bare !== undefined)) {
      const further = untilWord ? [] : furtherWords(words, i + 2);
      if (!untilWord && mayBeFlags(following) && NAMES_FLAGS.test(following.raw)) unread ??= following;
      const behind = words[i + 2 + further.length];
      const mayGoOn = !untilWord && LISTS.has(name) && behind !== undefined && mayStandForWords(behind);
      const read = flag(name, word, following, 0, further);
      flags.set(
        name,
        mayGoOn ? { ...read, plain: `${behind.raw} may be more of it`, templated: true, literal: false } : read,
      );
      i++;
    } else flags.set(name, { ...flag(name, word, word, 0), plain: true, templated: false });
    i++;
  }
  return { flags, positional, unread, next: i };
}

/** Words behind a flag's first one, which a list takes (argparse nargs="+"); a config file or `key=value` is for the script. */
function furtherWords(words: readonly Word[], start: number): readonly Word[] {
  const found: Word[] = [];
  for (const word of words.slice(start)) {
    if (/^--?[A-Za-z]/.test(word.raw) || /=|\.(json|jsonc|ya?ml)["']?$/i.test(word.raw)) break;
    // An unquoted variable mostly stands for further flags.
    if (mayStandForWords(word)) break;
    found.push(word);
  }
  return found;
}

/**
 * Arguments that take several words (nargs="+"), so that an unknown word behind one may be more of it: of transformers
 * (src/transformers/hf_argparser.py:222, 5.23.0; `report_to` too before transformers pull request 30078) and of TRL (its parsers built with 0.26.2 and 1.16.0).
 */
const LISTS: ReadonlySet<string> = new Set(
  'debug label_names include_for_metrics report_to tools loss_type loss_weights reward_weights reward_funcs lora_target_modules lora_target_parameters lora_modules_to_save'.split(
    ' ',
  ),
);

/** A word that is not known, and that the shell may split into several, or leave out. */
function mayStandForWords({ text, raw }: Word): boolean {
  return !text.known && (!/^["']/.test(raw) || raw.includes('@'));
}

const SCRIPT = /\.py["']?$/;

/** Variables by whose name people mean flags: a script's is not among them. */
const NAMES_FLAGS = /args|opts|options|flags|distributed|launch|@/i;

function mayBeFlags(word: Word): boolean {
  return mayStandForWords(word) && !SCRIPT.test(word.raw) && /^"?[$`]/.test(word.raw);
}

function takesValue(word: Word, beforeScript: boolean): boolean {
  if (/^--?[A-Za-z]/.test(word.raw)) return false;
  return !(beforeScript && SCRIPT.test(word.raw));
}

function flag(name: string, option: Word, value: Word, skip: number, further: readonly Word[] = []): Written {
  const { text } = value;
  if (further.length > 0) return listed(name, option, [value, ...further]);
  const origin = text.known ? text.origin : (text.origin ?? { kind: 'assumed', because: 'a launch line' });
  const place = origin.kind === 'file' ? { ...origin, start: option.start, end: value.end, key: `--${name}` } : origin;
  return {
    key: `--${name}`,
    plain: text.known ? text.value.slice(skip) : text.why,
    origin: place,
    from: 'flag',
    templated: !text.known,
    literal: text.known && !option.expanded && !value.expanded && !/[$`]/.test(option.raw + value.raw),
    ...(value.variable && { variable: value.variable }),
  };
}

/** A flag with several words: a list to the arguments that take one, and no value to those that do not. */
function listed(name: string, option: Word, words: readonly Word[]): Written {
  const read = words.map((word) => flag(name, option, word, 0));
  const filled = read.find(({ templated }) => templated);
  return {
    ...(filled ?? read[0] ?? flag(name, option, option, 0)),
    plain: filled ? filled.plain : read.map(({ plain }) => plain),
    origin: read.at(-1)?.origin ?? { kind: 'assumed', because: 'a launch line' },
    literal: read.every(({ literal }) => literal),
  };
}
