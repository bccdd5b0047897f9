import { accelerateFsdp, fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { checkpointingSetting, recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports recomputation outside FSDP, which gathered the weights once more before transformers 5. */
export const checkpointingOutsideFsdp = rule({
  id: 'checkpointing-outside-fsdp',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['activation_checkpointing', 'gradient_checkpointing'],
  why: "Reentrant recomputation, the default of transformers 4, runs around FSDP 2 and gathers every block's weights once more in the backward pass; without reentrance and under FSDP 1 it does not (gathers counted on 4.57.6 and 5.23.0). The Trainer prints its warning in every release.",
  source: [
    'transformers src/transformers/training_args.py:1935 (4.57.6) and :2799 (5.23.0)',
    'transformers src/transformers/modeling_utils.py:3692 (4.57.6) use_reentrant',
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
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
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
    const { strategy, version } = run.sharding.value;
    if (strategy.known && (strategy.value === 'SHARD_GRAD_OP' || strategy.value === 'NO_SHARD')) return;
    const section = run.configs.fsdp ?? run.configs.accelerate;
    const settings = section && fsdpSettingsOf(section, run);
    if (section && !settings) return;
    const written = settings?.get('activation_checkpointing');
    if (written && truthOf(written) !== false) return;
    const stated = statedVersion(run, 'transformers');
    const reentrant =
      setting(config, 'gradient_checkpointing_kwargs.use_reentrant') ??
      setting(config, 'gradient_checkpointing_use_reentrant');
    const isTwice =
      version.known &&
      version.value === 2 &&
      stated !== undefined &&
      !isAtLeast(stated, '5.0.0') &&
      (!reentrant || booleanOf(reentrant) === true);
    // The warning is about the Trainer's own fsdp; with an Accelerate file there is none.
    if (!isTwice && !setting(config, 'fsdp')) return;
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
      severity: isTwice ? 'warning' : 'hint',
      message: isTwice
        ? `${ours.path} under FSDP 2 gathers every block's weights a second time in the backward pass; FSDP's own does not.`
        : `The Trainer warns of ${ours.path} under FSDP and recommends FSDP's own.`,
      fixes: [{ title: `Use ${path} instead`, edits: own }],
    });
  },
});
