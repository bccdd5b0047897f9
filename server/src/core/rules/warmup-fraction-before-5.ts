import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { renameKey, replaceValue } from '../syntax/editing';
import { rule } from './rule';

const WITH = (version: string, lines: string) => ({
  'train.yaml': recipe(lines),
  'shardlens.json': `{ "frameworks": { "transformers": "${version}" } }`,
});

/** Reports a share of the run as warmup_steps where only a count is taken. */
export const warmupFractionBefore5 = rule({
  id: 'warmup-fraction-before-5',
  severity: 'error',
  applies: ['trainer'],
  needs: ['warmup_steps'],
  why: 'From transformers 5.0 on a warmup_steps below 1 is a share of the run. transformers 4.42 to 4.57 raises a ValueError for anything but an int, and older releases warm up for less than a step.',
  source: [
    'transformers src/transformers/training_args.py:1912 (4.57.6)',
    'transformers src/transformers/training_args.py:2122 (5.18.0) get_warmup_steps',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: WITH('4.57.6', 'warmup_steps: 0.1\n') },
      { files: WITH('4.57.6', 'warmup_steps: 100.0\n') },
      { files: WITH('5.18.0', 'warmup_steps: 1.5\n') },
      { files: recipe('warmup_steps: 0.1\n') },
    ],
    good: [{ files: WITH('5.18.0', 'warmup_steps: 0.1\n') }, { files: WITH('4.57.6', 'warmup_steps: 100\n') }],
  },
  check({ config, run, report }) {
    const found = setting(config, 'warmup_steps');
    const steps = numberOf(found);
    const stated = statedVersion(run, 'transformers');
    if (!found?.node || steps === undefined || steps < 0) return;
    const isInt = found.node.kind === 'scalar' && found.node.scalar.type === 'int';
    if (stated !== undefined && !isAtLeast(stated, '5.0.0')) {
      if (isInt) return;
      const stops = isAtLeast(stated, '4.42.0');
      if (!stops && Number.isInteger(steps)) return;
      report({
        at: found,
        severity: stops ? 'error' : 'warning',
        message: `warmup_steps is ${steps < 1 ? steps : steps.toFixed(1)}, and transformers ${stated} takes whole steps there; ${stops ? 'the Trainer stops at start-up' : 'the warm-up ends within a step'}.${steps > 0 && steps < 1 ? ' The key for a share of the run is warmup_ratio.' : ''}`,
        fixes:
          steps > 0 && steps < 1
            ? setting(config, 'warmup_ratio')
              ? []
              : [{ title: 'Rename to warmup_ratio', edits: renameKey(config.file, found.entry, 'warmup_ratio') }]
            : [
                {
                  title: `Write ${Math.round(steps)}`,
                  edits: replaceValue(config.file, found.node, Math.round(steps)),
                },
              ],
      });
      return;
    }
    if (stated === undefined && !isInt) {
      report({
        at: found,
        severity: 'warning',
        message: `warmup_steps ${steps < 1 ? `${steps} is a share of the run from transformers 5.0 on` : `${steps.toFixed(1)} is no int`}; releases 4.42 to 4.57 stop at start-up on it.`,
        fixes: [
          { title: `Write ${Math.round(steps)}`, edits: replaceValue(config.file, found.node, Math.round(steps)) },
        ].slice(steps < 1 ? 1 : 0),
      });
      return;
    }
    if (steps <= 1 || Number.isInteger(steps)) return;
    report({
      at: found,
      severity: 'hint',
      message: `warmup_steps ${steps} is cut to ${Math.floor(steps)}: below 1 it is a share of the run, from 1 on a whole number of steps.`,
      fixes: [{ title: `Write ${Math.floor(steps)}`, edits: replaceValue(config.file, found.node, Math.floor(steps)) }],
    });
  },
});
