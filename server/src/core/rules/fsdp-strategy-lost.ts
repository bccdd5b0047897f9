import { strategyNamed } from '../rules-support/fsdp';
import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting, stringOf } from '../settings';
import { rule } from './rule';

const V5 = (version: string) => `{ "frameworks": { "transformers": "${version}" } }`;
const VERSION_1 = 'fsdp_config:\n  version: 1\n';

/** Reports strategies that transformers 5 loses on their way to FSDP 1. */
export const fsdpStrategyLost = rule({
  id: 'fsdp-strategy-lost',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['fsdp'],
  why: 'transformers 5 hands the strategy to Accelerate as reshard_after_forward, and for FSDP 1 Accelerate 1.15 takes sharding_strategy first, which is FULL_SHARD unless the environment says otherwise. The word in fsdp counts for nothing, and nothing is printed.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1844 (1.15.0)',
    'accelerate src/accelerate/accelerator.py:1944 (1.15.0)',
    'transformers src/transformers/training_args.py:2827 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: { 'train.yaml': recipe(`fsdp: shard_grad_op auto_wrap\n${VERSION_1}`), 'shardlens.json': V5('5.18.0') },
      },
      { files: { 'train.yaml': recipe('fsdp: hybrid_shard auto_wrap\n'), 'shardlens.json': V5('5.4.0') } },
    ],
    good: [
      { files: { 'train.yaml': recipe(`fsdp: full_shard auto_wrap\n${VERSION_1}`), 'shardlens.json': V5('5.18.0') } },
      { files: { 'train.yaml': recipe('fsdp: hybrid_shard auto_wrap\n'), 'shardlens.json': V5('4.57.6') } },
    ],
  },
  check({ config, run, report }) {
    const fsdp = setting(config, 'fsdp');
    const words = fsdp?.node?.kind === 'scalar' && !fsdp.node.templated ? stringOf(fsdp)?.split(/\s+/) : undefined;
    const strategy = words?.map(strategyNamed).find((one) => one !== undefined);
    const stated = statedVersion(run, 'transformers');
    if (!fsdp || strategy === undefined || strategy === 'FULL_SHARD' || stated === undefined) return;
    if (!isAtLeast(stated, '5.0.0') || run.configs.accelerate) return;
    const section = run.configs.fsdp;
    const written = section && (setting(section, 'version') ?? setting(section, 'fsdp_version'));
    const version = written ? numberOf(written) : isAtLeast(stated, '5.10.0') ? 2 : 1;
    if (version !== 1) return;
    report({
      at: written ? [fsdp, written] : fsdp,
      message: `transformers ${stated} does not pass ${strategy} on to FSDP 1: the run is FULL_SHARD unless FSDP_SHARDING_STRATEGY is set where it starts.`,
      fixes: [],
    });
  },
});
