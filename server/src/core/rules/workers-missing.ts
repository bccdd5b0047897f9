import { isSet, isTrue, numberOr, recipe, severityOfAbsence } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports data loader settings that need worker processes where there are none. */
export const workersMissing = rule({
  id: 'workers-missing',
  severity: 'error',
  applies: ['trainer'],
  needs: ['dataloader_prefetch_factor', 'dataloader_persistent_workers'],
  why: 'Prefetching and persistent workers need worker processes, and dataloader_num_workers is 0 unless set. TrainingArguments refuses the prefetch factor; torch refuses persistent workers when the first DataLoader is built.',
  source: [
    'transformers src/transformers/training_args.py:1771 (5.18.0) dataloader_prefetch_factor',
    'torch/utils/data/dataloader.py:255 (2.13.0) persistent_workers',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('dataloader_prefetch_factor: 2\n') },
      { files: recipe('dataloader_persistent_workers: true\ndataloader_num_workers: 0\n') },
    ],
    good: [
      { files: recipe('dataloader_prefetch_factor: 2\ndataloader_num_workers: 2\n') },
      { files: recipe('dataloader_persistent_workers: false\n') },
    ],
  },
  check({ config, report }) {
    if (numberOr(config, 'dataloader_num_workers', 0) !== 0) return;
    const workers = setting(config, 'dataloader_num_workers');
    const prefetch = setting(config, 'dataloader_prefetch_factor');
    const persistent = setting(config, 'dataloader_persistent_workers');
    for (const found of [prefetch, persistent]) {
      const isOn =
        found === prefetch
          ? isSet(config, 'dataloader_prefetch_factor')
          : isTrue(config, 'dataloader_persistent_workers');
      if (!found || !isOn) continue;
      const when = found === prefetch ? 'at start-up' : 'when the first data loader is built';
      report({
        at: [found, ...(workers ? [workers] : [])],
        on: 'key',
        severity: workers ? 'error' : severityOfAbsence(config),
        message: `${found.path} needs worker processes, but dataloader_num_workers is 0${workers ? '' : ' by default'}; the job stops ${when}.`,
        fixes: [
          {
            title: 'Set dataloader_num_workers to 4',
            edits: workers?.node
              ? replaceValue(config.file, workers.node, 4)
              : insertEntry(config.file, config.root, 'dataloader_num_workers', 4, { after: found.entry }),
          },
          removeFix(found),
        ],
      });
    }
  },
});
