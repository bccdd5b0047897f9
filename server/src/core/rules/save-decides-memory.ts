import { estimateMemory } from '../estimate/memory/index';
import { memoryIsJudged } from '../rules-support/certainty';
import { fsdpSettingsOf } from '../rules-support/fsdp';
import { bandGib, bandOfCapacity, trainingAlone, undecidedClause } from '../rules-support/memory-words';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setPath } from '../syntax/editing';
import { formatGib } from '../text/format';
import { type Report, rule } from './rule';

const TRAIN =
  'model_name_or_path: meta-llama/Llama-2-13b-hf\ndataset_name: trl-lib/Capybara\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\nmax_length: 512\npacking: true\nattn_implementation: flash_attention_2\nuse_peft: true\nlora_r: 8\nsave_strategy: epoch\n';
const ACCELERATE =
  'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nmixed_precision: bf16\nnum_machines: 1\nnum_processes: 8\nfsdp_config:\n  fsdp_version: 1\n  fsdp_auto_wrap_policy: NO_WRAP\n  fsdp_sharding_strategy: FULL_SHARD\n  fsdp_state_dict_type: FULL_STATE_DICT\n';
const SETTINGS = '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }';

/** Reports runs that train, but whose checkpoint cannot be gathered. */
export const saveDecidesMemory = rule({
  id: 'save-decides-memory',
  severity: 'warning',
  applies: ['accelerate', 'fsdp'],
  when: 'cluster',
  why: 'To save, FSDP 1 gathers one unit after the other on every GPU, in the width the weights are stored in, for a full and for a sharded state dict. A unit that training gathers in 16 bits then takes twice as much, and the run stops at its first checkpoint.',
  source: [
    'torch/distributed/fsdp/_state_dict_utils.py:278 and 504 (2.15.0): both state dicts unshard a unit',
    'Shardlens server/src/core/estimate/memory/fsdp-units.ts',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'accelerate.yaml': ACCELERATE, 'sft.yaml': TRAIN, 'shardlens.json': SETTINGS } }],
    good: [
      {
        files: {
          'accelerate.yaml': ACCELERATE.replace('NO_WRAP', 'TRANSFORMER_BASED_WRAP'),
          'sft.yaml': TRAIN,
          'shardlens.json': SETTINGS,
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!memoryIsJudged(run) || !run.saves.known || !run.saves.value) return;
    if (!run.sharding.known || run.sharding.value.kind !== 'fsdp') return;
    // FSDP 2 gathers one parameter after the other.
    const { version } = run.sharding.value;
    if (!version.known || version.value !== 1) return;
    const settings = fsdpSettingsOf(config, run);
    const at =
      settings?.get('auto_wrap_policy') ?? settings?.get('state_dict_type') ?? settings?.get('sharding_strategy');
    if (!settings || !at) return;
    const { memory } = context.estimate;
    if (memory?.fits !== false || memory.phase !== 'save') return;
    const training = trainingAlone(run);
    if (!training || training.fits === false) return;
    const gathered = memory.phases.save?.terms.find(({ id }) => id === 'buffers.saved');
    if (!gathered) return;
    report({
      at,
      message: `To save, FSDP gathers a unit of ${formatGib(gathered.bytes)} on each GPU, which needs ${bandOfCapacity(memory)}; training needs ${bandGib(training)}${undecidedClause(training)}. The run stops at its first checkpoint.`,
      fixes: fixesOf(run, settings),
    });
  },
});

/** Smaller units, where the run then has room. */
function fixesOf(
  run: TrainingRun,
  { config, get, name }: NonNullable<ReturnType<typeof fsdpSettingsOf>>,
): NonNullable<Report['fixes']> {
  if (!run.sharding.known || run.sharding.value.kind !== 'fsdp' || !get('auto_wrap_policy')) return [];
  const origin = { kind: 'assumed', because: 'tried, to see whether it fits' } as const;
  const wrap = known('TRANSFORMER_BASED_WRAP' as const, origin);
  const { memory } = estimateMemory({ ...run, sharding: known({ ...run.sharding.value, wrap }, origin) });
  if (memory?.fits !== true) return [];
  return [
    {
      title: `Wrap each block: TRANSFORMER_BASED_WRAP (${bandOfCapacity(memory)})`,
      edits: setPath(config.file, config.root, name('auto_wrap_policy'), 'TRANSFORMER_BASED_WRAP'),
    },
  ];
}
