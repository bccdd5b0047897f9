import { accelerateFsdp, fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { checkpointingSetting, isTrl, recipe, trlRecipe } from '../rules-support/trainer-recipe';
import type { RunOutline } from '../run/training-run';
import { booleanOf, type Setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const SECTION = 'fsdp: true\nfsdp_config:\n  version: 2\n  activation_checkpointing: true\n';

/** Reports activations that are to be recomputed by FSDP and by the Trainer. */
export const doubleCheckpointing = rule({
  id: 'double-checkpointing',
  severity: 'error',
  applies: ['trainer', 'fsdp', 'accelerate'],
  when: 'joined',
  why: "FSDP's activation_checkpointing and the Trainer's gradient_checkpointing wrap the same blocks. The Trainer raises a ValueError when both are on; TRL's configs switch gradient_checkpointing on by default.",
  source: [
    'transformers src/transformers/trainer.py:861 (5.18.0)',
    'trl trl/trainer/base_config.py:61 (1.13.0) gradient_checkpointing defaults to true',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: { 'train.yaml': recipe(`gradient_checkpointing: true\n${SECTION}`) } },
      {
        files: {
          'train.yaml': recipe('gradient_checkpointing: true\n'),
          'accelerate.yaml': accelerateFsdp('fsdp_version: 2\nfsdp_activation_checkpointing: true'),
        },
      },
      {
        files: {
          'accelerate.yaml': accelerateFsdp('fsdp_version: 2\nfsdp_activation_checkpointing: true'),
          'train.yaml': recipe('gradient_checkpointing: true\n'),
        },
      },
      { files: { 'train.yaml': trlRecipe(SECTION) } },
    ],
    good: [
      { files: { 'train.yaml': recipe(`gradient_checkpointing: false\n${SECTION}`) } },
      {
        files: {
          'train.yaml': recipe('gradient_checkpointing: true\n'),
          'accelerate.yaml': accelerateFsdp('fsdp_version: 2\nfsdp_activation_checkpointing: false'),
        },
      },
    ],
  },
  check({ config, run, report }) {
    const { trainer } = run.configs;
    const theirs = fsdpCheckpointing(run);
    if (!trainer || !theirs?.node) return;
    const ours = checkpointingSetting(trainer);
    const byTrl = ours === undefined && isTrl(trainer);
    if (ours ? booleanOf(ours) !== true : !byTrl) return;
    // Without its own key the Trainer file has nothing to point at but the FSDP setting.
    report({
      at: ours ? [ours, theirs] : theirs,
      // Older releases of TRL leave it off.
      severity: byTrl ? 'warning' : 'error',
      message: byTrl
        ? `${theirs.path} is true, and TRL 1.13 switches gradient_checkpointing on by default; the Trainer stops at start-up when both are on.`
        : `${ours?.path ?? 'gradient_checkpointing'} and FSDP's ${theirs.path} are both true; the Trainer stops at start-up.`,
      fixes: [
        ...(ours?.node
          ? [{ title: `Set ${ours.path} to false`, edits: replaceValue(ours.config.file, ours.node, false) }]
          : []),
        { title: `Set ${theirs.path} to false`, edits: replaceValue(theirs.config.file, theirs.node, false) },
      ].filter(({ edits }) => config.dialect !== 'fsdp' || edits.length > 0),
    });
  },
});

/** The FSDP setting of the run that switches checkpointing on. */
function fsdpCheckpointing(run: RunOutline): Setting | undefined {
  const { fsdp, accelerate, trainer, deepspeed } = run.configs;
  if (deepspeed || !run.sharding.known || run.sharding.value.kind !== 'fsdp') return undefined;
  for (const one of [fsdp, accelerate]) {
    const found = one && trainer && fsdpSettingsOf(one, run)?.get('activation_checkpointing');
    if (found && truthOf(found) === true) return found;
  }
  return undefined;
}
