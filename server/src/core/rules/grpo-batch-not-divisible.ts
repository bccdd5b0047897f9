import type { FileEdit } from '../findings';
import { evalStrategyOf, isSet, numberOr, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { counted } from '../text/format';
import { rule } from './rule';

const GRPO = (lines: string) => ({
  'train.yaml': recipe(`max_completion_length: 256\ngradient_accumulation_steps: 4\n${lines}`),
  'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 7 } } }',
});

/** Checks that a batch of GRPO holds whole groups of completions. */
export const grpoBatchNotDivisible = rule({
  id: 'grpo-batch-not-divisible',
  severity: 'error',
  applies: ['trainer'],
  why: 'GRPO compares the completions of one prompt, so a generation batch (samples per GPU × GPUs × steps_per_generation) has to hold whole groups of num_generations. GRPOConfig raises a ValueError otherwise.',
  source: [
    'trl trl/trainer/grpo_config.py:1117 (1.13.0) training',
    'trl trl/trainer/grpo_config.py:1106 (1.13.0) evaluation',
    'trl trl/trainer/grpo_config.py:1087 (1.13.0) generation_batch_size',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: GRPO('num_generations: 8\n') },
      { files: GRPO('num_generations: 7\ngeneration_batch_size: 21\nsteps_per_generation: 3\n') },
      {
        files: GRPO(
          'num_generations: 7\neval_strategy: epoch\nper_device_eval_batch_size: 1\nnum_generations_eval: 3\n',
        ),
      },
      { files: GRPO('num_generations: 7\ngeneration_batch_size: 20\n') },
    ],
    good: [{ files: GRPO('num_generations: 7\n') }],
  },
  check({ config, run, report }) {
    if (!run.method.known || run.method.value !== 'grpo') return;
    const generations = setting(config, 'num_generations');
    const group = numberOr(config, 'num_generations', 8);
    const micro = numberOr(config, 'per_device_train_batch_size', 8);
    const total = setting(config, 'generation_batch_size');
    const steps = setting(config, 'steps_per_generation');
    const hasTotal = isSet(config, 'generation_batch_size');
    const hasSteps = isSet(config, 'steps_per_generation');
    if (hasTotal && hasSteps && total && steps) {
      report({
        at: [steps, total],
        on: 'key',
        message:
          'steps_per_generation and generation_batch_size both set the same size; GRPOConfig takes one of them and stops at start-up.',
        fixes: [],
      });
      return;
    }
    const world = run.worldSize.known ? run.worldSize.value : undefined;
    if (group === undefined || group < 2 || micro === undefined || micro < 1) return;
    if (hasTotal && total) {
      const size = numberOr(config, 'generation_batch_size', 0);
      if (size === undefined || size < 1) return;
      const each = world === undefined ? micro : micro * world;
      if (size % each !== 0) {
        say(
          total,
          `generation_batch_size ${size} is not a multiple of ${counted(micro, 'sample')}${world === undefined ? '' : ` × ${counted(world, 'GPU')} = ${each}`}`,
        );
      } else if (size % group !== 0) {
        say(total, `generation_batch_size ${size} is not a multiple of num_generations ${group}`);
      }
      return;
    }
    if (world === undefined) return;
    const accumulation = numberOr(config, 'gradient_accumulation_steps', 1);
    const repeats = hasSteps ? numberOr(config, 'steps_per_generation', 0) : accumulation;
    if (repeats === undefined || repeats < 1) return;
    const batch = micro * world * repeats;
    const place = generations ?? setting(config, 'per_device_train_batch_size');
    if (batch % group !== 0 && place) {
      say(
        place,
        `A generation batch is ${counted(micro, 'sample')} × ${counted(world, 'GPU')} × ${counted(repeats, 'step')} = ${batch}, which is not a multiple of num_generations ${group}`,
        fixesOf(batch, group, micro * world),
      );
    }
    reportEvaluation(world, group);

    function say(
      at: NonNullable<typeof total>,
      message: string,
      fixes: { title: string; edits: FileEdit[] }[] = [],
    ): void {
      report({
        at,
        severity: run.worldSize.known && run.worldSize.origin.kind === 'assumed' ? 'warning' : 'error',
        message: `${message}; GRPO stops at start-up.`,
        fixes,
      });
    }

    function fixesOf(batch: number, wanted: number, perStep: number): { title: string; edits: FileEdit[] }[] {
      const fixes: { title: string; edits: FileEdit[] }[] = [];
      let more = repeats ?? 1;
      while (more <= 512 && (perStep * more) % wanted !== 0) more++;
      if (!hasSteps && (perStep * more) % wanted === 0) {
        const path = 'gradient_accumulation_steps';
        fixes.push({ title: `Set ${path} to ${more}`, edits: setPath(config.file, config.root, path, more) });
      }
      let fewer = wanted;
      while (fewer > 2 && batch % fewer !== 0) fewer--;
      if (generations?.node && batch % fewer === 0) {
        fixes.push({
          title: `Set num_generations to ${fewer}`,
          edits: replaceValue(config.file, generations.node, fewer),
        });
      }
      return fixes;
    }

    function reportEvaluation(ranks: number, training: number): void {
      const strategy = evalStrategyOf(config);
      const samples = numberOr(config, 'per_device_eval_batch_size', 8);
      const own = isSet(config, 'num_generations_eval') ? numberOr(config, 'num_generations_eval', 0) : training;
      const at = setting(config, 'per_device_eval_batch_size') ?? strategy?.written;
      if (!strategy || strategy.word === 'no' || samples === undefined || !own || (samples * ranks) % own === 0 || !at)
        return;
      say(
        at,
        `An evaluation batch is ${counted(samples, 'sample')} × ${counted(ranks, 'GPU')} = ${samples * ranks}, which is not a multiple of the ${own} completions per prompt`,
      );
    }
  },
});
