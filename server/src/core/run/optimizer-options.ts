import { originOf, setting } from '../settings';
import { toPlain } from '../syntax/plain';
import { type Known, known, unknown } from './known';
import type { RunSources } from './sources';
import type { Optimizer } from './training-run';
import { textFrom, textsFrom } from './written';

type Options = Pick<Optimizer, 'options' | 'targets'>;

/**
 * What the Trainer's optimizer is given beside its name: pairs of `optim_args`, parsed as `_parse_optim_args` does
 * (transformers src/transformers/trainer_optimizer.py:62, 5.23.0), and the layers whose gradients it projects.
 */
export function trainerOptions({ args }: Pick<RunSources, 'args'>): Options {
  const written = args.get('optim_args');
  const targets = args.get('optim_target_modules');
  return {
    options: written && written.plain !== null ? pairsOf(textFrom(written)) : undefined,
    targets:
      targets && targets.plain !== null
        ? (typeof targets.plain === 'string' ? textFrom : textsFrom)(targets)
        : undefined,
  };
}

/** Keys of DeepSpeed's `optimizer.params`, which it hands to the class (deepspeed/runtime/engine.py:2476, 0.19.8). */
export function deepspeedOptions({ deepspeed }: Pick<RunSources, 'deepspeed'>): Options {
  const found = deepspeed && setting(deepspeed, 'optimizer.params');
  const plain = found?.node?.kind === 'mapping' ? toPlain(found.node, 'json') : undefined;
  if (!found || typeof plain !== 'object' || plain === null) return { options: undefined, targets: undefined };
  const entries = Object.entries(plain).map(([key, value]) => [key, String(value)] as const);
  return { options: known(Object.fromEntries(entries), originOf(found)), targets: undefined };
}

function pairsOf(text: Known<string>): Known<Readonly<Record<string, string>>> {
  if (!text.known) return text;
  const pairs: Record<string, string> = {};
  for (const mapping of text.value.replaceAll(' ', '').split(',')) {
    const [key, value, ...rest] = mapping.split('=');
    if (!key || value === undefined || rest.length > 0)
      return unknown('optim_args is not written as key=value, key=value', text.origin);
    pairs[key] = value;
  }
  return known(pairs, text.origin);
}
