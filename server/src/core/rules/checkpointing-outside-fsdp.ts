import { accelerateFsdp, fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { checkpointingSetting, recipe } from '../rules-support/trainer-recipe';
import { booleanOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports recomputation outside FSDP, which gathers the weights once more. */
export const checkpointingOutsideFsdp = rule({
  id: 'checkpointing-outside-fsdp',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['activation_checkpointing', 'gradient_checkpointing'],
  why: "With gradient_checkpointing the recomputation runs outside FSDP's wrapping and gathers every block's weights once more in the backward pass. FSDP's own activation_checkpointing does not; the Trainer prints a warning.",
  source: [
    'transformers src/transformers/training_args.py:2754 (5.18.0)',
    'https://github.com/huggingface/transformers/issues/30404',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('gradient_checkpointing: true\nfsdp: true\nfsdp_config:\n  version: 2\n') },
      { files: recipe('gradient_checkpointing: true\nfsdp: full_shard auto_wrap\n') },
      {
        files: {
          'train.yaml': recipe('gradient_checkpointing: true\n'),
          'accelerate.yaml': accelerateFsdp('fsdp_version: 2'),
        },
      },
    ],
    good: [
      { files: recipe('fsdp: true\nfsdp_config:\n  version: 2\n  activation_checkpointing: true\n') },
      { files: recipe('gradient_checkpointing: true\n') },
    ],
  },
  check({ config, run, report }) {
    const ours = checkpointingSetting(config);
    if (!ours?.node || booleanOf(ours) !== true || !run.sharding.known || run.sharding.value.kind !== 'fsdp') return;
    // With LoRA the gathered weights are frozen and TRL's own recipes keep it this way.
    const { strategy } = run.sharding.value;
    if (strategy.known && (strategy.value === 'SHARD_GRAD_OP' || strategy.value === 'NO_SHARD')) return;
    const section = run.configs.fsdp ?? run.configs.accelerate;
    const settings = section && fsdpSettingsOf(section, run);
    if (section && !settings) return;
    const written = settings?.get('activation_checkpointing');
    if (written && truthOf(written) !== false) return;
    // FSDP switched on by the Trainer's own word has no section yet.
    const path = written?.path ?? settings?.name('activation_checkpointing') ?? 'fsdp_config.activation_checkpointing';
    const target = settings?.config ?? config;
    const own = [
      ...replaceValue(config.file, ours.node, false),
      ...(written?.node
        ? replaceValue(target.file, written.node, true)
        : setPath(target.file, target.root, path, true)),
    ];
    report({
      at: ours,
      message: `${ours.path} under FSDP gathers every block's weights a second time in the backward pass; FSDP's own does not.`,
      fixes: [{ title: `Use ${path} instead`, edits: own }],
    });
  },
});
