import { accelerateFile, meshOf } from '../rules-support/accelerate-file';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const SP = (lines: string) =>
  accelerateFile(
    `num_machines: 1\nnum_processes: 2\nparallelism_config:\n  parallelism_config_sp_size: 2\n${lines}`,
    'DEEPSPEED',
  ).replace('mixed_precision: bf16\n', '');

/** Reports settings that sequence parallelism cannot run with. */
export const sequenceParallelIncomplete = rule({
  id: 'sequence-parallel-incomplete',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['parallelism_config'],
  why: "DeepSpeed's Ulysses replaces the attention, which eager and flex attention do not allow, and needs the length of the samples unless it may vary. Accelerate or DeepSpeed stop with a ValueError.",
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:2299 (1.15.0) attention',
    'deepspeed/runtime/sequence_parallel/ulysses_sp.py:435 (0.19.8) length',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: SP('  parallelism_config_sp_attn_implementation: eager\n') },
      { files: SP('  parallelism_config_sp_seq_length_is_variable: false\n') },
    ],
    good: [
      { files: SP('  parallelism_config_sp_attn_implementation: sdpa\n') },
      {
        files: SP('  parallelism_config_sp_seq_length_is_variable: false\n  parallelism_config_sp_seq_length: 4096\n'),
      },
    ],
  },
  check({ config, run, report }) {
    const mesh = meshOf(config);
    const stated = statedVersion(run, 'accelerate');
    if (!mesh || mesh.sp < 2 || (stated !== undefined && !isAtLeast(stated, '1.12.0'))) return;
    const attention = setting(config, 'parallelism_config.parallelism_config_sp_attn_implementation');
    const word = attention?.node?.kind === 'scalar' && !attention.node.templated ? stringOf(attention) : undefined;
    if (attention?.node && (word === 'eager' || word === 'flex_attention')) {
      report({
        at: attention,
        message: `${attention.path} is ${word}, and sequence parallelism works with sdpa or flash attention only. Accelerate stops at start-up.`,
        fixes: [{ title: 'Use sdpa', edits: replaceValue(config.file, attention.node, 'sdpa') }],
      });
    }
    const variable = setting(config, 'parallelism_config.parallelism_config_sp_seq_length_is_variable');
    const length = setting(config, 'parallelism_config.parallelism_config_sp_seq_length');
    if (!variable?.node || booleanOf(variable) !== false || length) return;
    report({
      at: variable,
      message: `${variable.path} is false and parallelism_config_sp_seq_length is not set: DeepSpeed needs the length of the samples, and stops when the model is prepared.`,
      fixes: [{ title: `Set ${variable.path} to true`, edits: replaceValue(config.file, variable.node, true) }],
    });
  },
});
