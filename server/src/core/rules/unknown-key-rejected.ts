import { childSchema, factsOf, nearestKey } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { describedSettings } from '../schema/settings';
import { type Explanation, explainUnknownKey, keysToSuggest } from '../schema/unknown-key';
import { readerAtStart, stopWords, unknownKeyVerdict } from '../schema/verdict';
import type { DialectId } from '../source';
import { removeEntry, renameKey } from '../syntax/editing';
import { type RuleContext, rule } from './rule';

/** Reports keys that make the framework stop, because it has no such key. */
export const unknownKeyRejected = rule({
  id: 'unknown-key-rejected',
  severity: 'error',
  applies: ['deepspeed', 'accelerate', 'trainer'],
  why: 'DeepSpeed reads its ZeRO, precision and monitor sections into models that forbid extra keys, Accelerate refuses a file with a top-level key it does not know, and TrainingArguments takes no unknown argument: the job ends before the first step.',
  source: [
    'deepspeed/runtime/config_utils.py:110 (0.19.6) extra="forbid"',
    'accelerate src/accelerate/commands/config/config_args.py:154 (1.15.0)',
    'transformers src/transformers/hf_argparser.py:383 (5.18.0) parse_dict',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "overlap_com": true } }' },
      { files: '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "loss_scale": 0 } }' },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_procesess: 2\nmixed_precision: bf16\n',
      },
    ],
    good: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "overlap_comm": true } }' },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\nmixed_precision: bf16\n',
      },
    ],
  },
  check(context) {
    rejectedKeys(context);
    if (context.config.dialect === 'trainer') mistypedArguments(context);
  },
});

function rejectedKeys({ config, run, catalogs, report }: RuleContext): void {
  const dialectSchema = catalogs.schema(config.dialect);
  for (const problem of schemaProblems(config, dialectSchema)) {
    if (problem.kind !== 'unknown-key' || factsOf(problem.parent).unknownKeys !== 'reject') continue;
    const explanation = explainUnknownKey(problem, dialectSchema.schema, catalogs);
    if (explanation.kind === 'misplaced' || explanation.kind === 'foreign') continue;
    const { setting, key, owner } = problem;
    const verdict = unknownKeyVerdict(problem.parent, run);
    const hidden = config.dialect === 'deepspeed' && isAutoText(setting.node);
    const former = explanation.kind === 'former';
    const stop = stopWords(readerAtStart(config.dialect), verdict, `${readerAtStart(config.dialect)} drops it`);
    report({
      at: setting,
      on: 'key',
      severity: hidden || (former && !statesVersion(run.frameworks, config.dialect)) ? 'warning' : verdict.severity,
      message: hidden
        ? `${setting.path} is no key of DeepSpeed; it passes only because DeepSpeed drops every "auto" before it looks.`
        : `${whatItIs(setting.path, explanation, config.dialect)}; ${stop}.`,
      fixes: [
        ...renameFix(explanation, (to) => renameKey(config.file, setting.entry, to)),
        { title: `Remove ${key}`, edits: removeEntry(config.file, owner, setting.entry) },
      ],
    });
  }
}

/** A Trainer file may carry arguments of the script's own, so only a near miss of a known name is reported. */
function mistypedArguments({ config, catalogs, report }: RuleContext): void {
  const { schema } = catalogs.schema('trainer');
  // Arguments of TRL's and other scripts look like each other too much: use_lora is no slip for use_dora.
  const known = () =>
    keysToSuggest(schema).filter(
      (name) => name.length >= MIN_TYPO_LENGTH && !factsOf(childSchema(schema, name)).appliesTo,
    );
  for (const { setting, key, schema: own, parent } of describedSettings(config, schema)) {
    if (own || parent !== schema || key.length < MIN_TYPO_LENGTH || FOR_ACCELERATE.test(key)) continue;
    const nearest = nearestKey(key, known());
    if (nearest === undefined || isVariant(key, nearest)) continue;
    report({
      at: setting,
      on: 'key',
      severity: 'warning',
      message: `Neither TrainingArguments nor TRL has ${key}; unless the script declares it, the job stops when it parses its arguments. The nearest argument is ${nearest}.`,
      fixes: [{ title: `Rename to ${nearest}`, edits: renameKey(config.file, setting.entry, nearest) }],
    });
  }
}

/**
 * What TRL's command line does not know it hands to `accelerate launch` (trl/cli/commands/training.py:60, 1.13.0), from its YAML too.
 */
const FOR_ACCELERATE =
  /^(?:accelerate_config|config_file|num_(?:processes|machines)|main_process_\w+|mixed_precision|use_(?:deepspeed|fsdp)|(?:fsdp|deepspeed|zero3|dynamo|offload)_\w+)$/;

/** Shorter names of scripts' own are too often two edits away from some argument. */
const MIN_TYPO_LENGTH = 8;

/** A plural or a number at the end is a name of its own, not a slip of the finger. */
function isVariant(key: string, nearest: string): boolean {
  const [short, long] = key.length < nearest.length ? [key, nearest] : [nearest, key];
  return long.startsWith(short) && /^(?:s|_?\d+)$/.test(long.slice(short.length));
}

function whatItIs(key: string, explanation: Explanation, dialect: DialectId): string {
  const reader = readerAtStart(dialect);
  switch (explanation.kind) {
    case 'former':
      return `${reader} accepted ${key} up to ${explanation.last} and has no such key now`;
    case 'renamed':
      return `${reader} has no key ${key} (it is called ${explanation.to})`;
    case 'typo':
      return `${reader} has no key ${key}, the nearest is ${explanation.nearest}`;
    default:
      return `${reader} has no key ${key}`;
  }
}

function renameFix(explanation: Explanation, edits: (to: string) => ReturnType<typeof renameKey>) {
  const to =
    explanation.kind === 'typo' ? explanation.nearest : explanation.kind === 'renamed' ? explanation.to : undefined;
  if (to === undefined || to.includes('.')) return [];
  return [{ title: `Rename to ${to}`, preferred: explanation.kind === 'typo', edits: edits(to) }];
}

function statesVersion(frameworks: RuleContext['run']['frameworks'], dialect: DialectId): boolean {
  return (dialect === 'accelerate' ? frameworks.accelerate : frameworks.deepspeed)?.known === true;
}

function isAutoText(node: { kind: string } | undefined): boolean {
  return (
    node?.kind === 'scalar' && 'scalar' in node && (node as { scalar: { value: unknown } }).scalar.value === 'auto'
  );
}
