import type { Severity } from '../findings';
import { recipe } from '../rules-support/trainer-recipe';
import type { DialectId } from '../source';
import { type RuleContext, rule } from './rule';

const LINKED = (mark: string) => ({
  files: {
    'ds.json': `${mark}{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 2 } }`,
    'train.yaml': recipe('deepspeed: ds.json\n'),
  },
});

const ACCELERATE = (mark: string) => ({
  name: 'accelerate.json',
  files: `${mark}{ "compute_environment": "LOCAL_MACHINE", "distributed_type": "MULTI_GPU", "mixed_precision": "bf16", "num_machines": 1, "num_processes": 2, "use_cpu": false }`,
});

/** Reports a byte order mark, which Python's json does not take. */
export const byteOrderMark = rule({
  id: 'byte-order-mark',
  severity: 'error',
  applies: ['deepspeed', 'fsdp', 'accelerate', 'trainer', 'model'],
  why: 'Some editors put three bytes in front of a text to say that it is UTF-8. json.load raises "Unexpected UTF-8 BOM" on them; PyYAML and the Hjson reader of DeepSpeed pass over them. UTF-16 is read by none of them.',
  source: [
    'accelerate src/accelerate/utils/deepspeed.py:143 (1.15.0) json.load',
    'accelerate src/accelerate/commands/config/config_args.py:132 (1.15.0) json.load',
    'transformers src/transformers/hf_argparser.py:404 (5.23.0) json.loads',
    'deepspeed/runtime/config.py:444 (0.19.8) hjson.load',
  ],
  verified: 'run',
  examples: { bad: [LINKED('\uFEFF'), ACCELERATE('\uFEFF')], good: [LINKED(''), ACCELERATE('')] },
  check(context) {
    const { config, workspace, report } = context;
    const { path } = config.file;
    const read = config.at === '' ? workspace.read(path) : undefined;
    if (!read?.ok || read.mark === undefined) return;
    const at = { start: 0, end: 0 };
    if (read.mark !== 'utf-8') {
      report({
        at,
        message: `The file is written as ${read.mark.toUpperCase()}, and Python reads configs as UTF-8: the job stops where it is opened. Save it as UTF-8.`,
      });
      return;
    }
    const reader = config.file.tree.format === 'json' ? strictReader(context) : undefined;
    if (!reader) return;
    report({
      at,
      severity: reader.severity,
      message: `The file begins with a byte order mark, and ${reader.name} with json.load, which stops at it. Save it as UTF-8 without the mark.`,
    });
  },
});

/** Who reads the file with json.load; undefined where nobody may. */
function strictReader({
  config,
  run,
}: RuleContext): { readonly name: string; readonly severity: Severity } | undefined {
  const dialect: DialectId = config.dialect;
  if (dialect === 'accelerate') return { name: 'Accelerate reads it', severity: 'error' };
  // TrlParser takes JSON for YAML, and yaml.safe_load passes over the mark (trl/scripts/utils.py:327, 1.13.0).
  const { launches = [] } = run;
  if (dialect === 'trainer' && launches.length > 0 && launches.every(({ launcher }) => launcher === 'trl'))
    return undefined;
  if (dialect === 'trainer') return { name: 'HfArgumentParser reads it', severity: 'warning' };
  if (dialect !== 'deepspeed') return { name: 'transformers reads it', severity: 'error' };
  if (!run.consumer.known) return { name: 'the Trainer and Accelerate read it', severity: 'information' };
  if (run.consumer.value === 'deepspeed') return undefined;
  return { name: `${run.consumer.value === 'trainer' ? 'the Trainer' : 'Accelerate'} reads it`, severity: 'error' };
}
