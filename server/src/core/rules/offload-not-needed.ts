import type { OffloadVerdict, StepEstimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import { memoryIsJudged } from '../rules-support/certainty';
import { bandOfCapacity } from '../rules-support/memory-words';
import { editsOfBoth, type OffloadChange, withoutOffload } from '../rules-support/offload-edits';
import { stepChange, stepWithBand } from '../rules-support/step-words';
import type { TrainingRun } from '../run/training-run';
import { runDialects, type Workspace } from '../source';
import { formatSeconds } from '../text/format';
import { type Report, type RuleContext, rule } from './rule';

/** Below this share of the step an offload costs less than the model of the step can tell. */
const LEAST_SHARE = 0.1;

/** Reports offloads without which the run surely fits and is faster. */
export const offloadNotNeeded = rule({
  id: 'offload-not-needed',
  severity: 'information',
  applies: runDialects,
  when: 'cluster',
  why: 'Offload trades speed for GPU memory: each step moves the states over the host link and runs the optimizer on the CPU. Where the run fits without it, that time buys nothing.',
  source: [
    'transformers docs/source/en/deepspeed.md (5.18.0): disable CPU and NVMe offload if there is enough GPU memory',
    'deepspeedai/DeepSpeed#6834: a step of 0.2 s becomes 10 s',
    'Shardlens server/src/core/estimate/time/verdicts.ts',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-1.5B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" }, "offload_param": { "device": "cpu" } } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-1.5B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    if (!memoryIsJudged(context.run)) return;
    const { config, wholeRun: run } = context;
    if (!run.cluster.known || !run.model.known) return;
    const changes = withoutOffload(run, context.workspace);
    if (!changes.some((change) => change.setting.config.file.path === config.file.path)) return;
    const { offloads, step } = context.estimate;
    if (!step) return;
    const needless = changes.flatMap((change): Needless[] => {
      const verdict = offloads.find(({ what }) => what === change.what);
      const wins = verdict?.fitsWithout === true && verdict.secondsPerStep >= LEAST_SHARE * step.seconds;
      return verdict && wins ? [{ change, verdict }] : [];
    });
    reportAll(context, needless, changes, step);
  },
});

interface Needless {
  readonly change: OffloadChange;
  readonly verdict: OffloadVerdict;
}

/** Both offloads in one finding where the run fits without either; else the one that costs more. */
function reportAll(
  context: RuleContext,
  needless: readonly Needless[],
  changes: readonly OffloadChange[],
  step: StepEstimate,
): void {
  const { seconds } = step;
  const [first, ...others] = [...needless].sort((a, b) => b.verdict.secondsPerStep - a.verdict.secondsPerStep);
  if (!first) return;
  const own = first.change.setting;
  const second = changes.find(({ what }) => what !== first.change.what);
  const found = second && withoutBoth(first.change, second, context.workspace);
  const alone = first.verdict.stepSecondsWithout ?? seconds - first.verdict.secondsPerStep;
  const both = found && found.seconds <= alone ? found : undefined;
  const fixes: NonNullable<Report['fixes']>[number][] = [];
  if (both) fixes.push({ title: `${both.title} (${both.effect})`, edits: both.edits });
  for (const { change, verdict } of both ? [first, ...others] : [first]) {
    const left = verdict.stepSecondsWithout;
    const effect = left === undefined ? '' : ` (${stepChange(left, seconds)})`;
    if (change.edits.length > 0) fixes.push({ title: `${change.title}${effect}`, edits: change.edits });
  }
  const names =
    both && second ? `${keyOf(own.path)} and ${keyOf(second.setting.path)} cost` : `${keyOf(own.path)} costs`;
  context.report({
    at: both && second ? [own, second.setting] : own,
    on: 'key',
    message: `${names} about ${formatSeconds(Math.max(0, seconds - (both?.seconds ?? alone)))} of a step of ${stepWithBand(step)}, and the run fits without: ${both?.memory ?? memoryOf(first.change.run)} per GPU.`,
    fixes,
  });
}

function withoutBoth(a: OffloadChange, b: OffloadChange, workspace: Workspace) {
  const { memory, step } = estimateRun(b.move.apply(a.run));
  const edits = editsOfBoth(a, b, workspace);
  if (memory?.fits !== true || !step || edits.length === 0) return undefined;
  return {
    title: `Turn off ${keyOf(a.setting.path)} and ${keyOf(b.setting.path)}`,
    effect: `about ${formatSeconds(step.seconds)} a step`,
    edits,
    seconds: step.seconds,
    memory: bandOfCapacity(memory),
  };
}

function memoryOf(run: TrainingRun): string {
  const { memory } = estimateRun(run);
  return memory ? bandOfCapacity(memory) : '';
}

function keyOf(path: string): string {
  return path.split('.').pop() ?? path;
}
