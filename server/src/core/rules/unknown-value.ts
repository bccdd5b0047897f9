import { ownValue } from '../own-value';
import { factsOf, nearestKey, valuesOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { describedSettings } from '../schema/settings';
import { formerValueVerdict, readerOf, stopWords, valueVerdict } from '../schema/verdict';
import { expectedWords } from '../schema/words';
import { stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { type RuleContext, rule } from './rule';

/** Reports words that are not among a key's values. */
export const unknownValue = rule({
  id: 'unknown-value',
  severity: 'error',
  applies: ['deepspeed', 'trainer', 'fsdp', 'accelerate'],
  why: 'Where the framework keeps a list of values it stops on any other; where it does not, it falls back to a default without a word.',
  source: [
    'deepspeed/runtime/zero/offload_config.py:14 (0.19.6)',
    'transformers src/transformers/training_args.py:1526 (5.18.0)',
    'accelerate src/accelerate/commands/config/config_args.py:163 (1.15.0)',
    'accelerate src/accelerate/utils/launch.py:279 (1.15.0)',
    'transformers src/transformers/training_args.py:148 (4.49.0) adamw_hf; gone from 4.50.0',
    'transformers src/transformers/training_args.py:156 (4.57.6) adamw_apex_fused; gone from 5.8.0',
    'accelerate src/accelerate/utils/dataclasses.py:560 (0.34.2) TPU; gone from 1.0.0',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "offload_param": { "device": "CPU" } } }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: FDSP\nnum_processes: 2\nmixed_precision: bf16\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "offload_param": { "device": "cpu" } } }',
      },
    ],
  },
  check(context) {
    const { config, run, catalogs, report } = context;
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'unknown-value') continue;
      const { setting, schema, parent, value } = problem;
      const { node } = setting;
      if (!node) continue;
      const verdict = formerValueVerdict(
        config.dialect,
        schema,
        value,
        valueVerdict(config.dialect, schema, parent, run),
        run,
      );
      if (!verdict) continue;
      const reader = readerOf(config.dialect);
      const nearest = nearestValue(value, schema);
      report({
        at: setting,
        severity: verdict.severity,
        message: `${setting.path} is ${JSON.stringify(value)}, and takes ${expectedWords(schema)}; ${stopWords(reader, verdict, `${reader} does not check it, so this may be dropped or stop the job later`)}.`,
        fixes:
          nearest === undefined
            ? []
            : [{ title: `Write "${nearest}"`, preferred: true, edits: replaceValue(config.file, node, nearest) }],
      });
    }
    nearMissesOfOpenLists(context);
  },
});

/** `AdanW` for an optimizer: the list is open, but a near miss of a known name is a slip. */
function nearMissesOfOpenLists({ config, catalogs, report }: RuleContext): void {
  for (const { setting, schema } of describedSettings(config, catalogs.schema(config.dialect).schema)) {
    if (!schema || !factsOf(schema).openValues || !setting.node) continue;
    const value = stringOf(setting);
    if (value === undefined || value.length < 4 || value === 'auto') continue;
    const listed = valuesOf(schema).filter((entry): entry is string => typeof entry === 'string');
    if (listed.some((entry) => entry.toLowerCase() === value.toLowerCase())) continue;
    const nearest = nearestKey(value, listed);
    if (nearest === undefined) continue;
    report({
      at: setting,
      severity: 'warning',
      message: `${setting.path} is "${value}", which is none of the known values; the nearest is "${nearest}".`,
      fixes: [{ title: `Write "${nearest}"`, edits: replaceValue(config.file, setting.node, nearest) }],
    });
  }
}

/** Names that were values once, and what took their place. */
const RENAMED: Readonly<Record<string, string>> = {
  adamw_hf: 'adamw_torch',
  adamw_apex_fused: 'adamw_torch_fused',
  TPU: 'XLA',
};

function nearestValue(value: unknown, schema: Parameters<typeof valuesOf>[0]): string | undefined {
  if (typeof value !== 'string') return undefined;
  const listed = valuesOf(schema).filter((entry): entry is string => typeof entry === 'string');
  const renamed = ownValue(RENAMED, value);
  if (renamed !== undefined && listed.includes(renamed)) return renamed;
  return listed.find((entry) => entry.toLowerCase() === value.toLowerCase()) ?? nearestKey(value, listed);
}
