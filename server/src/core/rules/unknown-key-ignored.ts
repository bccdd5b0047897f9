import { ownValue } from '../own-value';
import type { RunOutline } from '../run/training-run';
import { factsOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { type Explanation, explainUnknownKey, type UnknownKey } from '../schema/unknown-key';
import { readerAtStart } from '../schema/verdict';
import { isAtLeast, statedVersion } from '../schema/versions';
import { removeEntry, renameKey } from '../syntax/editing';
import { isSizeWithoutPrefix } from './parallelism-prefix-missing';
import { rule } from './rule';

/** Reports keys that the framework drops without a word. */
export const unknownKeyIgnored = rule({
  id: 'unknown-key-ignored',
  severity: 'warning',
  applies: ['deepspeed', 'fsdp', 'accelerate'],
  when: 'schema-problem',
  why: "The top level and the loose sections of a DeepSpeed file, the sections of an Accelerate file and the Trainer's fsdp_config are read key by key: a key that nobody asks for changes nothing, and nothing says so.",
  source: [
    'deepspeed/runtime/config.py:796 (0.19.6)',
    'deepspeed/runtime/config_utils.py:193 (0.19.6) get_scalar_param',
    'accelerate src/accelerate/commands/launch.py:1263 (1.15.0)',
    'transformers src/transformers/training_args.py:2742 (5.18.0) _process_fsdp_args',
    'deepspeed/runtime/swap_tensor/constants.py:23 (0.16.4) thread_count renamed intra_op_parallelism',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: '{ "train_micro_batch_size_per_gpu": 1, "gradient_cliping": 1.0, "zero_optimization": { "stage": 2 } }',
      },
      {
        name: 'fsdp_config.json',
        files: '{ "fsdp_transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"], "sharding_strategy": "FULL_SHARD" }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 2\nfsdp_config:\n  fsdp_version: 2\n  fsdp_ofload_params: true\n',
      },
    ],
    good: [
      {
        files: '{ "train_micro_batch_size_per_gpu": 1, "gradient_clipping": 1.0, "zero_optimization": { "stage": 2 } }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 2\nfsdp_config:\n  fsdp_version: 2\n  fsdp_offload_params: true\n',
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    const dialectSchema = catalogs.schema(config.dialect);
    for (const problem of schemaProblems(config, dialectSchema)) {
      if (problem.kind !== 'unknown-key' || factsOf(problem.parent).unknownKeys !== 'ignore') continue;
      if (config.dialect === 'deepspeed' && wasRead(problem, run)) continue;
      const explanation = explainUnknownKey(problem, dialectSchema.schema, catalogs);
      if (explanation.kind === 'misplaced' || explanation.kind === 'foreign') continue;
      const { setting, key, owner } = problem;
      const section = setting.path.split('.').slice(0, -1).join('.');
      if (section === 'parallelism_config' && isSizeWithoutPrefix(key)) continue;
      const meant = suggestion(explanation);
      report({
        at: setting,
        on: 'key',
        tag: 'unnecessary',
        message: `${readerAtStart(config.dialect)} has no key ${key}${section ? ` in ${section}` : ''} and drops it without a word${meant ? `; the nearest key is ${meant}` : ''}.`,
        fixes: [
          ...(meant && !meant.includes('.')
            ? [
                {
                  title: `Rename to ${meant}`,
                  preferred: explanation.kind === 'typo',
                  edits: renameKey(config.file, setting.entry, meant),
                },
              ]
            : []),
          { title: `Remove ${key}`, edits: removeEntry(config.file, owner, setting.entry) },
        ],
      });
    }
  },
});

/** A key that the stated release of DeepSpeed still reads. */
function wasRead({ key, parent }: UnknownKey, run: RunOutline): boolean {
  const last = ownValue(factsOf(parent).formerKeys ?? {}, key);
  const stated = statedVersion(run, 'deepspeed');
  return last !== undefined && stated !== undefined && isAtLeast(last, stated);
}

function suggestion(explanation: Explanation): string | undefined {
  if (explanation.kind === 'typo') return explanation.nearest;
  return explanation.kind === 'renamed' || explanation.kind === 'former' ? explanation.to : undefined;
}
