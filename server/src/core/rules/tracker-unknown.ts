import { recipe } from '../rules-support/trainer-recipe';
import { nearestKey } from '../schema/keys';
import { isAtLeast, statedVersion } from '../schema/versions';
import { scalarOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import type { Node } from '../syntax/node';
import { rule } from './rule';

/** Integrations of transformers 5.23; older releases have fewer (integrations/integration_utils.py INTEGRATION_TO_CALLBACK). */
const TRACKERS = new Set(
  'azure_ml comet_ml mlflow neptune tensorboard trackio wandb codecarbon clearml dagshub flyte dvclive swanlab kubeflow'.split(
    ' ',
  ),
);

/** Reports trackers that no release of transformers has. */
export const trackerUnknown = rule({
  id: 'tracker-unknown',
  severity: 'error',
  applies: ['trainer'],
  needs: ['report_to'],
  why: 'The Trainer makes a callback for each name in report_to and raises a ValueError for one it does not know. transformers 5 takes null for such a name; before, it meant every tracker that is installed.',
  source: [
    'transformers src/transformers/integrations/integration_utils.py:2675 (5.23.0)',
    'transformers src/transformers/training_args.py:1880 (4.57.6) null',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('report_to: wandbb\n') },
      { files: recipe('report_to: [wandb, tensorbord]\n') },
      {
        files: {
          'train.yaml': recipe('report_to: null\n'),
          'shardlens.json': '{ "frameworks": { "transformers": "5.23.0" } }',
        },
      },
    ],
    good: [
      { files: recipe('report_to: [wandb, tensorboard]\n') },
      { files: recipe('report_to: none\n') },
      { files: recipe('report_to: []\n') },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'report_to');
    if (!found?.node) return;
    const stated = statedVersion(run, 'transformers');
    if (scalarOf(found)?.type === 'null' && (stated === undefined || isAtLeast(stated, '5.0.0'))) {
      report({
        at: found,
        severity: stated === undefined ? 'warning' : 'error',
        message: `transformers 5 takes null in report_to for the name of a tracker and stops${stated === undefined ? '; release 4 takes it for every tracker installed' : ''}.`,
        fixes: [{ title: 'Write "none"', preferred: true, edits: replaceValue(config.file, found.node, 'none') }],
      });
      return;
    }
    const names: readonly Node[] = found.node.kind === 'sequence' ? found.node.items : [found.node];
    for (const node of names) {
      const name = node.kind === 'scalar' && !node.templated ? node.scalar.value : undefined;
      if (typeof name !== 'string' || TRACKERS.has(name)) continue;
      // Alone, in a list or not, they stand for all and for nothing; an empty text fails as any other.
      if (names.length === 1 && (name === 'all' || name === 'none')) continue;
      const nearest = nearestKey(name, TRACKERS);
      report({
        at: found.node.kind === 'sequence' ? { start: node.start, end: node.end } : found,
        message: `transformers has no tracker "${name}"; the Trainer stops at start-up.`,
        fixes:
          nearest === undefined
            ? []
            : [{ title: `Write "${nearest}"`, preferred: true, edits: replaceValue(config.file, node, nearest) }],
      });
    }
  },
});
