import { accelerateFile, DIMENSIONS, distributedTypeOf, meshOf, sizeSetting } from '../rules-support/accelerate-file';
import { numberOf, setting } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

const FSDP = 'fsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n';
const MESH = (tp: number, shard: number) =>
  accelerateFile(
    `num_processes: 8\nparallelism_config:\n  parallelism_config_tp_size: ${tp}\n  parallelism_config_dp_shard_size: ${shard}\n${FSDP}`,
    'FSDP',
  );

/** Checks that the sizes of the mesh multiply to the number of processes. */
export const parallelismSizeMismatch = rule({
  id: 'parallelism-size-mismatch',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['num_processes'],
  why: 'Every process has one place in the mesh, so dp_replicate × dp_shard × tp × cp × sp must be num_processes. Accelerate raises a ValueError when the product is smaller, and torch a RuntimeError when it is larger.',
  source: ['accelerate src/accelerate/parallelism_config.py:370 (1.15.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: MESH(4, 4) }, { files: MESH(2, 2) }],
    good: [{ files: MESH(2, 4) }],
  },
  check({ config, run, report }) {
    const mesh = meshOf(config);
    const processes = setting(config, 'num_processes');
    const written = numberOf(processes);
    const type = distributedTypeOf(config);
    if (!mesh || !processes || written === undefined || type === undefined || !/^(?:FSDP|MULTI_GPU)$/.test(type))
      return;
    // DeepSpeed makes the groups of Ulysses itself; a launch line that starts another number of processes wins.
    if (mesh.sp > 1 || (run.worldSize.known && run.worldSize.value !== written)) return;
    const product = DIMENSIONS.reduce((all, one) => all * mesh[one], 1);
    if (product === written || product === 1) return;
    const parts = DIMENSIONS.filter((one) => mesh[one] > 1).map((one) => `${one} ${mesh[one]}`);
    const rest = product / mesh.dp_shard;
    const shard = written / rest;
    const first = sizeSetting(config, DIMENSIONS.find((one) => mesh[one] > 1) ?? 'dp_shard');
    report({
      at: [...(first ? [first] : []), processes],
      message: `${parts.join(' × ')} is ${product}, and num_processes is ${written}: every process needs one place in the mesh. The job stops at start-up.`,
      fixes: Number.isInteger(shard)
        ? [
            {
              title: `Set dp_shard_size to ${shard}`,
              edits: setPath(config.file, config.root, 'parallelism_config.parallelism_config_dp_shard_size', shard),
            },
          ]
        : [],
    });
  },
});
