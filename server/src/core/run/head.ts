import { basename } from '../paths';
import { type Known, known, unknown } from './known';
import type { RunSources } from './sources';

/** Keys of transformers' example scripts (examples/pytorch, 5.23.0): text-classification/run_glue.py:65 and language-modeling/run_mlm.py:165. */
const KEYS = { labels: ['task_name', 'num_labels'], vocabulary: ['mlm_probability'] } as const;

/** Names of the same scripts, and of those that are made after them. */
const SCRIPTS = {
  labels: /glue|xnli|classif|(?:^|_)(?:ner|qa|swag)(?=[_.]|$)/i,
  vocabulary: /mlm|masked|language_model|pre_?train/i,
} as const;

/**
 * What an encoder ends in: the script chooses the class, whatever config.json names. Its own keys tell, then its name; no
 * other file does.
 */
export function readHead({
  args,
  links: { launch },
}: Pick<RunSources, 'args' | 'links'>): Known<'labels' | 'vocabulary'> {
  const kinds = ['labels', 'vocabulary'] as const;
  for (const kind of kinds) {
    const key = args.get(...KEYS[kind]);
    if (key && key.plain !== null) {
      return known(kind, { kind: 'derived', formula: `${key.key} is a key of such scripts`, from: [key.origin] });
    }
  }
  const script = launch?.script.known ? launch.script : undefined;
  const name = script && basename(script.value);
  const told = name === undefined ? [] : kinds.filter((kind) => SCRIPTS[kind].test(name));
  const [kind] = told;
  if (script && kind && told.length === 1) {
    return known(kind, { kind: 'derived', formula: `the script is ${script.value}`, from: [script.origin] });
  }
  return unknown('the script chooses the class of the model, and no key or name of a script tells which');
}
