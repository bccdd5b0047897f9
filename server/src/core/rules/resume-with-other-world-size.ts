import { join } from '../paths';
import { dataRanksOf, stageOf } from '../rules-support/zero';
import { foldersUp } from '../run/folders';
import { booleanOf, setting, stringOf } from '../settings';
import type { Path, Workspace } from '../source';
import { rule } from './rule';

const TRAIN =
  'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 1\nresume_from_checkpoint: out/checkpoint-10\n';
const ZERO2 =
  '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }';
const TAG = 'out/checkpoint-10/global_step10';

/** Reports a checkpoint whose optimizer states were cut for another number of ranks. */
export const resumeWithOtherWorldSize = rule({
  id: 'resume-with-other-world-size',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['resume_from_checkpoint'],
  why: "ZeRO saves each rank's piece of the optimizer states. DeepSpeed raises a ZeRORuntimeException when the number of data-parallel ranks is another one on loading; only a universal checkpoint can be cut anew.",
  source: ['deepspeed/runtime/engine.py:4628 (0.19.6) _load_zero_checkpoint'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': TRAIN,
          'ds.json': ZERO2,
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
          'out/checkpoint-10/latest': 'global_step10',
          [`${TAG}/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt`]: '',
          [`${TAG}/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt`]: '',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml': TRAIN,
          'ds.json': ZERO2,
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 2 } } }',
          'out/checkpoint-10/latest': 'global_step10',
          [`${TAG}/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt`]: '',
          [`${TAG}/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt`]: '',
        },
      },
    ],
  },
  check({ config, run, workspace, report }) {
    const found = setting(config, 'resume_from_checkpoint');
    const folder = stringOf(found);
    const ranks = dataRanksOf(run);
    if (!found || !folder || ranks === undefined || !stageOf(run)) return;
    const { deepspeed } = run.configs;
    if (deepspeed && booleanOf(setting(deepspeed, 'checkpoint.load_universal')) === true) return;
    const saved = savedRanks(config.file.path, folder, workspace);
    if (saved === undefined || saved === ranks) return;
    report({
      at: found,
      message: `${folder} was saved by ${saved} ranks and this run has ${ranks}: DeepSpeed cannot share its optimizer states out anew and stops on loading. Resume on ${saved} ranks, or convert it with ds_to_universal.py.`,
    });
  },
});

/** Pieces of optimizer state in the checkpoint that `latest` names; undefined where none is found in the workspace. */
function savedRanks(from: Path, folder: string, workspace: Workspace): number | undefined {
  for (const base of foldersUp(from, workspace)) {
    const checkpoint = join(base, folder);
    const latest = workspace.read(join(checkpoint, 'latest'));
    if (!latest.ok) continue;
    const names = workspace.list(join(checkpoint, latest.text.trim()));
    const pieces = names.filter((name) => /zero_pp_rank_\d+_mp_rank_00_optim_states\.pt$/.test(name)).length;
    return pieces > 0 ? pieces : undefined;
  }
  return undefined;
}
