import { accelerateFile, distributedTypeOf, meshOf, sizeSetting } from '../rules-support/accelerate-file';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { renameKey, replaceValue, setPath } from '../syntax/editing';
import { type Report, rule } from './rule';

const CONFIG = (sizes: string, version = 2, type = 'FSDP') =>
  accelerateFile(
    `num_processes: 8\nparallelism_config:\n${sizes}fsdp_config:\n  fsdp_version: ${version}\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n`,
    type,
  );
const SIZE = (name: string, size: number) => `  parallelism_config_${name}_size: ${size}\n`;

/** Reports dimensions of parallelism that Accelerate does not combine. */
export const parallelismCombinationRefused = rule({
  id: 'parallelism-combination-refused',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['parallelism_config'],
  why: 'Accelerate builds a mesh only for combinations it can run: context and sequence parallelism exclude each other, tensor and context parallelism need sharding beside replicas, and all of it needs FSDP 2, not FSDP 1.',
  source: [
    'accelerate src/accelerate/parallelism_config.py:329 (1.15.0) cp with sp',
    'accelerate src/accelerate/parallelism_config.py:336 (1.15.0) tp or cp with replicas only',
    'accelerate src/accelerate/parallelism_config.py:381 (1.15.0) FSDP 2 with nothing to shard across',
    'accelerate src/accelerate/parallelism_config.py:390 (1.15.0) FSDP 1',
    'accelerate src/accelerate/state.py:994 (1.15.0) cp without FSDP',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: CONFIG(SIZE('cp', 2) + SIZE('sp', 4)) },
      { files: CONFIG(SIZE('tp', 4) + SIZE('dp_replicate', 2)) },
      { files: CONFIG(SIZE('tp', 8)) },
      { files: CONFIG(SIZE('dp_shard', 8), 1) },
    ],
    good: [{ files: CONFIG(SIZE('tp', 2) + SIZE('dp_shard', 4)) }, { files: CONFIG(SIZE('cp', 8)) }],
  },
  check({ config, run, report }) {
    const mesh = meshOf(config);
    const type = distributedTypeOf(config);
    // Plain processes are started without it.
    if (!mesh || type === undefined || !/^(?:FSDP|DEEPSPEED|MEGATRON_LM|MULTI_(?!CPU).+)$/.test(type)) return;
    const say = (dimension: keyof typeof mesh, message: string, fixes: Report['fixes'] = []) => {
      const at = sizeSetting(config, dimension);
      if (at) report({ at, message: `${message}; Accelerate stops at start-up.`, fixes });
    };
    const isOn = Object.values(mesh).some((size) => size > 1);
    if (mesh.cp > 1 && mesh.sp > 1) {
      // 1.12 and before let both pass.
      const stated = statedVersion(run, 'accelerate');
      if (stated !== undefined && !isAtLeast(stated, '1.13.0')) return;
      const since = stated === undefined ? 'Accelerate 1.13 and later stops' : 'Accelerate stops';
      const at = sizeSetting(config, 'sp');
      if (at)
        report({
          at,
          severity: stated === undefined ? 'warning' : 'error',
          message: `cp_size ${mesh.cp} and sp_size ${mesh.sp} exclude each other: both split the sequence; ${since} at start-up.`,
          fixes: (['cp', 'sp'] as const).flatMap((dimension) => {
            const node = sizeSetting(config, dimension)?.node;
            return node ? [{ title: `Set ${dimension}_size to 1`, edits: replaceValue(config.file, node, 1) }] : [];
          }),
        });
      return;
    }
    if ((mesh.tp > 1 || mesh.cp > 1) && mesh.dp_replicate > 1 && mesh.dp_shard === 1) {
      const inner = mesh.tp > 1 ? 'tp' : 'cp';
      say(
        'dp_replicate',
        `dp_replicate_size ${mesh.dp_replicate} with ${inner}_size ${mesh[inner]} needs dp_shard_size above 1`,
      );
      return;
    }
    if (type === 'FSDP') {
      const version = setting(config, 'fsdp_config.fsdp_version') ?? setting(config, 'fsdp_config.version');
      const number = version ? numberOf(version) : 1;
      const first = (['dp_shard', 'tp', 'cp', 'dp_replicate', 'sp'] as const).find((one) => mesh[one] > 1);
      if (number === 1 && isOn && first)
        say(first, 'parallelism_config needs FSDP 2 and this file runs FSDP 1', [
          {
            title: 'Set fsdp_version to 2',
            edits: setPath(config.file, config.root, version?.path ?? 'fsdp_config.fsdp_version', 2),
          },
        ]);
      else if (number === 2 && isOn && mesh.dp_shard === 1 && mesh.cp === 1 && mesh.sp === 1) {
        const only = mesh.tp > 1 ? 'tp' : 'dp_replicate';
        const alone =
          only === 'dp_replicate' && !sizeSetting(config, 'dp_shard') ? sizeSetting(config, only) : undefined;
        say(
          only,
          `${only}_size ${mesh[only]} leaves FSDP nothing to shard across: dp_shard_size and cp_size are both 1`,
          alone
            ? [
                {
                  title: `Use dp_shard_size ${mesh[only]} instead`,
                  edits: renameKey(config.file, alone.entry, 'parallelism_config_dp_shard_size'),
                },
              ]
            : [],
        );
      }
    }
    const sharded = sizeSetting(config, 'dp_shard');
    if (type === 'MULTI_GPU' && mesh.dp_shard > 1 && sharded)
      report({
        at: sharded,
        severity: 'warning',
        message: `dp_shard_size ${mesh.dp_shard} shards nothing with distributed_type MULTI_GPU: every GPU keeps the whole model. Sharding needs distributed_type FSDP with fsdp_version 2.`,
      });
    if (type === 'MULTI_GPU' && mesh.cp > 1)
      say('cp', `cp_size ${mesh.cp} needs FSDP 2, and distributed_type is ${type}`);
  },
});
