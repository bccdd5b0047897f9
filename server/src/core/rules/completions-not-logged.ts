import { recipe, severityOfAbsence } from '../rules-support/trainer-recipe';
import { booleanOf, setting, stringOf } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

const GRPO = 'num_generations: 2\nmax_completion_length: 256\nlog_completions_hub_repo: me/completions\n';

/** Reports a repository for completions that are not logged. */
export const completionsNotLogged = rule({
  id: 'completions-not-logged',
  severity: 'error',
  applies: ['trainer'],
  needs: ['log_completions_hub_repo'],
  why: 'Only logged completions can be uploaded. GRPOConfig raises a ValueError when log_completions_hub_repo is set and log_completions is false, its default.',
  source: ['trl trl/trainer/grpo_config.py:1067 (1.13.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe(GRPO) }],
    good: [{ files: { 'train.yaml': recipe(`${GRPO}log_completions: true\n`), 'requirements.txt': 'trl==1.16.0\n' } }],
  },
  check({ config, run, report }) {
    const repo = setting(config, 'log_completions_hub_repo');
    const log = setting(config, 'log_completions');
    if (!repo || !stringOf(repo) || !run.method.known || run.method.value !== 'grpo') return;
    if (log && booleanOf(log) !== false) return;
    report({
      at: log ? [repo, log] : repo,
      on: 'key',
      severity: log ? 'error' : severityOfAbsence(config),
      message: `log_completions_hub_repo needs log_completions, which is false${log ? '' : ' by default'}; the job stops at start-up.`,
      fixes: [
        {
          title: 'Set log_completions to true',
          edits: log?.node
            ? replaceValue(config.file, log.node, true)
            : insertEntry(config.file, config.root, 'log_completions', true, { after: repo.entry }),
        },
      ],
    });
  },
});
