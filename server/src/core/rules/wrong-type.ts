import { factsOf, valuesOf } from '../schema/keys';
import type { Misfit } from '../schema/misfit';
import { type SchemaProblem, schemaProblems } from '../schema/problems';
import { readerOf, stopWords, valueVerdict } from '../schema/verdict';
import { expectedWords } from '../schema/words';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports values of a kind the key does not take. Forms with a rule of their own are left to it. */
export const wrongType = rule({
  id: 'wrong-type',
  severity: 'error',
  applies: ['deepspeed', 'trainer', 'fsdp', 'accelerate'],
  when: 'schema-problem',
  why: "DeepSpeed's sections and Accelerate's launcher check the type of what they read, and the job ends at start-up. Keys that nobody checks carry the wrong value on until something breaks.",
  source: [
    'deepspeed/runtime/config_utils.py:110 (0.19.6)',
    'deepspeed/runtime/config.py:855 (0.19.6) wall_clock_breakdown',
    'accelerate src/accelerate/commands/launch.py:1258 (1.15.0) gpu_ids',
    'accelerate src/accelerate/utils/launch.py:279 (1.15.0) mixed_precision',
    'transformers src/transformers/training_args.py:1526 (5.18.0) strategies',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "overlap_comm": 2 } }' },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\nmixed_precision: no\n',
      },
      {
        name: 'train.yaml',
        files:
          'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nsave_strategy: no\n',
      },
    ],
    good: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "overlap_comm": true } }' },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\nmixed_precision: "no"\n',
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'wrong-type' || problem.coerced || hasOwnRule(problem)) continue;
      const { setting, schema, parent } = problem;
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const reader = readerOf(config.dialect);
      const word = yamlWord(problem);
      const fate =
        PASSES.has(problem.key) && word
          ? 'the launcher takes it for none of its types and starts plain processes'
          : stopWords(reader, verdict, `${reader} does not check it, and what follows is not what is written`);
      report({
        at: setting,
        severity: PASSES.has(problem.key) && word ? 'warning' : verdict.severity,
        message: word
          ? `PyYAML reads ${setting.path}: ${word.raw} as ${String(problem.value)}, not as the word "${word.meant}"; ${fate}.`
          : `${setting.path} takes ${expectedWords(schema)}, not ${valueWords(problem)}; ${fate}.`,
        fixes:
          word && setting.node
            ? [
                {
                  title: `Write "${word.meant}"`,
                  preferred: true,
                  edits: replaceValue(config.file, setting.node, word.meant),
                },
              ]
            : [],
      });
    }
  },
});

/** `distributed_type: NO` without quotes is false, which nothing compares with (config_args.py:107, launch.py:1305). */
const PASSES = new Set(['distributed_type']);

type ValueProblem = Extract<SchemaProblem, { kind: 'wrong-type' | 'out-of-range' | 'unknown-value' }>;

/** Forms that read better with words and fixes of their own: see the rules of these names. */
function hasOwnRule({ form, key, setting, schema }: ValueProblem): boolean {
  switch (form) {
    case 'numeric-string':
    case 'scientific-string':
    case 'boolean-string':
    case 'fraction':
      return true;
    case 'auto':
      // auto-in-unfilled-key reads DeepSpeed files only; Accelerate's own keys take no such word.
      return setting.config.dialect !== 'accelerate' || key === 'gradient_accumulation_steps';
    case 'boolean-number':
      // FSDP reads truth from a text, and "1" is one: fsdp-value-unreadable.
      return setting.config.dialect === 'fsdp' || setting.path.startsWith('fsdp_config.');
    case 'null':
      return isSection(schema);
    case 'scalar-for-object':
      return setting.config.dialect === 'deepspeed' && /^offload_(?:optimizer|param)$/.test(key);
    default:
      return false;
  }
}

function isSection(schema: ValueProblem['schema']): boolean {
  return schema.type === 'object' || (Array.isArray(schema.type) && schema.type.includes('object'));
}

/** `no` in YAML is false; where the key has such a word, that was meant. */
function yamlWord({ form, setting, schema }: ValueProblem): { raw: string; meant: string } | undefined {
  if (form !== 'yaml-boolean' || setting.node?.kind !== 'scalar' || setting.node.style !== 'plain') return undefined;
  const { raw } = setting.node;
  if (/^(?:true|false)$/i.test(raw)) return undefined;
  const listed = valuesOf(schema).filter((value) => typeof value === 'string');
  const meant = listed.find((value) => value.toLowerCase() === raw.toLowerCase());
  if (meant !== undefined) return { raw, meant };
  return listed.length === 0 || factsOf(schema).openValues ? { raw, meant: raw } : undefined;
}

function valueWords({ value, setting }: Misfit & Pick<ValueProblem, 'setting'>): string {
  if (value === undefined) return setting.node?.kind === 'sequence' ? 'a list' : 'an object';
  return value === null ? 'null' : JSON.stringify(value);
}
