import type { FileEdit } from '../findings';
import { type SchemaProblem, schemaProblems } from '../schema/problems';
import { explainUnknownKey } from '../schema/unknown-key';
import { readerAtStart, stopWords, unknownKeyVerdict } from '../schema/verdict';
import { isAuto, setting as settingAt } from '../settings';
import type { Config, DialectId } from '../source';
import { removeEntry, setPath } from '../syntax/editing';
import { toPlain } from '../syntax/plain';
import { type RuleContext, rule } from './rule';

/** Reports keys that exist, but elsewhere: in another section, or in another framework's file. */
export const misplacedKey = rule({
  id: 'misplaced-key',
  severity: 'warning',
  applies: ['deepspeed', 'fsdp', 'accelerate'],
  when: 'schema-problem',
  why: 'A key in the wrong section is an unknown key there: dropped without a word, or a reason to stop. Right key, wrong place is far more common in real configs than a typing error.',
  source: [
    'deepspeed/runtime/config_utils.py:110 (0.19.6) extra="forbid"',
    'deepspeed/runtime/config.py:796 (0.19.6)',
    'accelerate src/accelerate/commands/launch.py:1263 (1.15.0)',
    'accelerate src/accelerate/commands/config/config_args.py:154 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "overlap_comm": true, "zero_optimization": { "stage": 2 } }' },
      {
        files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "gradient_clipping": 1.0 } }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\ndeepspeed_config:\n  zero_stage: 2\n  zero_optimization:\n    stage: 2\n',
      },
    ],
    good: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "overlap_comm": true } }' },
    ],
  },
  check(context) {
    const { config, run, catalogs, report } = context;
    const dialectSchema = catalogs.schema(config.dialect);
    for (const problem of schemaProblems(config, dialectSchema)) {
      if (problem.kind !== 'unknown-key') continue;
      const explanation = explainUnknownKey(problem, dialectSchema.schema, catalogs);
      if (explanation.kind !== 'misplaced' && explanation.kind !== 'foreign') continue;
      const { setting, key, parent, owner } = problem;
      const verdict = unknownKeyVerdict(parent, run);
      const here = setting.path.split('.').slice(0, -1).join('.') || 'the top level';
      const reader = readerAtStart(config.dialect);
      const fate = stopWords(reader, verdict, `${reader} drops it without a word`);
      report({
        at: setting,
        on: 'key',
        // A file with keys of both may be read by either, so that one of them stops is not certain.
        severity: explanation.kind === 'foreign' || isAuto(setting) ? 'warning' : verdict.severity,
        message:
          explanation.kind === 'misplaced'
            ? `${key} belongs ${placeWords(explanation.place)}, not in ${here}; here ${lowerFirst(fate)}.`
            : `${key} is a key of ${fileWords(explanation.dialect)}, not of ${here === 'the top level' ? 'this file' : here}; here ${lowerFirst(fate)}.`,
        fixes: [
          ...(explanation.kind === 'misplaced' ? moveFix(context, problem, explanation.place) : []),
          { title: `Remove ${key}`, edits: removeEntry(config.file, owner, setting.entry) },
        ],
      });
    }
  },
});

function placeWords(place: string): string {
  const section = place.split('.').slice(0, -1).join('.');
  return section ? `in ${section}` : 'at the top level';
}

function fileWords(dialect: DialectId): string {
  switch (dialect) {
    case 'accelerate':
      return "Accelerate's file";
    case 'deepspeed':
      return 'a DeepSpeed file (the one that deepspeed_config_file names)';
    default:
      return 'TrainingArguments';
  }
}

/** DeepSpeed and Accelerate keep their capitals in the middle of a sentence. */
function lowerFirst(text: string): string {
  return text.startsWith('The ') ? `the ${text.slice(4)}` : text;
}

type UnknownKey = Extract<SchemaProblem, { kind: 'unknown-key' }>;

/** Takes the entry out and writes it at its place, unless something stands there already. */
function moveFix({ config }: RuleContext, problem: UnknownKey, place: string) {
  const { setting, owner, key } = problem;
  if (settingAt(config, place) || sectionIsNoMapping(config, place)) return [];
  const reader = config.file.tree.format === 'yaml' ? 'yaml' : 'hjson';
  const edits = [
    ...removeEntry(config.file, owner, setting.entry),
    ...setPath(config.file, config.root, place, toPlain(setting.node, reader)),
  ];
  if (edits.length < 2 || overlap(edits)) return [];
  return [{ title: `Move ${key} to ${place.split('.').slice(0, -1).join('.') || 'the top level'}`, edits }];
}

function sectionIsNoMapping(config: Config, place: string): boolean {
  const parts = place.split('.');
  for (let i = 1; i < parts.length; i++) {
    const section = settingAt(config, parts.slice(0, i).join('.'));
    if (section && section.node?.kind !== 'mapping') return true;
  }
  return false;
}

function overlap(edits: readonly FileEdit[]): boolean {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  return sorted.some((edit, index) => index > 0 && edit.start < (sorted[index - 1]?.end ?? 0));
}
