import type { Default } from '../dialects/trainer/defaults';
import { type Known, known, unknown } from './known';
import { isOlder, type RunSources } from './sources';
import type { Preference, PreferenceGeneration, TrainingRun } from './training-run';
import { booleanFrom, byDefault, choiceFrom, countFrom, firstKnown, numberFrom } from './written';

const TRL = 'trl 1.16.0';
const GRPO = 'trl trl/trainer/grpo_config.py';

/** Defaults that hold memory: of GRPOConfig (trl 1.16.0) unless said otherwise. */
const DEFAULTS = {
  precompute: { value: false, of: TRL, source: 'trl trl/trainer/dpo_config.py:227' },
  /** Without a penalty there is no reference model; before 0.19 it was 0.04. */
  beta: { value: 0, of: TRL, source: `${GRPO}:681` },
  useVllm: { value: false, of: TRL, source: `${GRPO}:587` },
  vllmShare: { value: 0.3, of: TRL, source: `${GRPO}:656` },
  sleep: { value: false, of: TRL, source: `${GRPO}:612` },
  gather: { value: true, of: TRL, source: `${GRPO}:498` },
  completionTokens: { value: 512, of: TRL, source: `${GRPO}:494` },
} as const;

/**
 * What TRL's DPO, KTO, GRPO and reward trainers hold beside the model that is trained: a frozen copy, both answers of a pair in one
 * batch, what generates the answers. Undefined for other methods.
 */
export function readPreference(sources: RunSources, lora: TrainingRun['lora']): Preference | undefined {
  const { args } = sources;
  if (!args.method.known) return undefined;
  const method = args.method.value;
  if (method !== 'dpo' && method !== 'kto' && method !== 'grpo' && method !== 'reward') return undefined;
  return {
    method: known(method, args.method.origin),
    sequencesPerSample: method === 'dpo' || method === 'reward' ? 2 : 1,
    reference: readReference(sources, method, lora),
    ...((method === 'dpo' || method === 'kto') && { precomputed: readPrecomputed(sources) }),
    fusedLogProbabilities: readFused(sources, method),
    ...(method === 'grpo' && { generation: readGeneration(sources) }),
  };
}

/** With adapters the trained model without them is the reference: dpo_trainer.py:909, kto_trainer.py:920, grpo_trainer.py:983 (1.16.0). */
function readReference(
  { args, frameworks }: RunSources,
  method: 'dpo' | 'kto' | 'grpo' | 'reward',
  lora: TrainingRun['lora'],
): Known<boolean> {
  const none = (formula: string, from: Known<unknown>): Known<boolean> =>
    known(false, { kind: 'derived', formula, from: from.origin === undefined ? [] : [from.origin] });
  if (method === 'reward') return none('reward models are trained without a reference', args.method);
  if (lora && !lora.known) return unknown(`adapters make it needless, and ${lora.why}`, lora.origin);
  if (lora) return none('the model without its adapters is the reference', lora);
  if (method === 'grpo') {
    const written = args.get('beta');
    const beta = written ? numberFrom(written) : defaultBeta(frameworks.trl);
    return beta.known ? known(beta.value !== 0, beta.origin) : beta;
  }
  const precompute = readPrecomputed({ args });
  return precompute.known ? known(!precompute.value, precompute.origin) : precompute;
}

/** The step takes them from the batch then: dpo_trainer.py:1318 (1.16.0), :1729 (0.26.2); kto_trainer.py:1417 (1.16.0). */
function readPrecomputed({ args }: Pick<RunSources, 'args'>): Known<boolean> {
  const written = args.get('precompute_ref_log_probs');
  return written ? booleanFrom(written) : fallback<boolean>(DEFAULTS.precompute);
}

/** 0.04 up to 0.18, and then none: the releases were read one by one. */
function defaultBeta(trl: Known<string> | undefined): Known<number> {
  if (isOlder(trl, '0.19')) return byDefault(0.04, 'trl before 0.19', `${GRPO}:365 (0.18.2)`);
  if (trl?.known) return fallback<number>(DEFAULTS.beta);
  return unknown('beta is 0.04 before TRL 0.19 and none since, and the version is not known');
}

/**
 * Log-probabilities are taken in the head, in chunks, since TRL 1.15 (`fused_lm_head`). Before, `use_liger_kernel` asked for that,
 * and up to 0.24 `use_liger_loss`; the releases were read one by one.
 */
function readFused({ args, frameworks }: RunSources, method: string): Known<boolean> {
  const { trl } = frameworks;
  if (method === 'reward') return byDefault(false, TRL, 'trl trl/trainer/reward_trainer.py');
  if (trl?.known && !isOlder(trl, '1.15'))
    return byDefault(true, 'trl 1.15.0', 'trl trl/trainer/dpo_trainer.py:1299 (1.16.0)');
  const written = args.get(...(isOlder(trl, '0.25') ? ['use_liger_loss'] : ['use_liger_kernel', 'use_liger_loss']));
  const asked = written && written.plain !== null ? booleanFrom(written) : undefined;
  if (asked && (!asked.known || asked.value || trl?.known)) return asked;
  if (trl?.known) return byDefault(false, 'trl before 1.15', 'trl trl/trainer/dpo_trainer.py (1.14.0)');
  return unknown(
    'TRL 1.15 takes log-probabilities in chunks, old releases make all logits, and the version is not known',
  );
}

function readGeneration({ args, frameworks }: RunSources): PreferenceGeneration {
  const micro = args.get('per_device_train_batch_size');
  const steps = args.get('steps_per_generation', 'gradient_accumulation_steps');
  const tokens = args.get('max_completion_length');
  const vllm = args.get('use_vllm');
  const uses = vllm ? booleanFrom(vllm) : fallback<boolean>(DEFAULTS.useVllm);
  const mode = args.get('vllm_mode');
  const engine: PreferenceGeneration['engine'] = !uses.known
    ? uses
    : !uses.value
      ? known('transformers', uses.origin)
      : mode
        ? choiceFrom(mode, ['colocate', 'server'] as const)
        : defaultMode(frameworks.trl);
  const share = args.get('vllm_gpu_memory_utilization');
  const sleep = args.get('vllm_enable_sleep_mode');
  const gather = args.get('ds3_gather_for_generation');
  const perStep = micro ? countFrom(micro) : unknown<number>('no file gives the micro-batch size');
  const each = steps ? countFrom(steps) : byDefault(1, TRL, `${GRPO}:528`);
  return {
    engine,
    completionTokens: tokens ? countFrom(tokens) : defaultTokens(frameworks.trl),
    completions:
      perStep.known && each.known
        ? known(perStep.value * each.value, {
            kind: 'derived',
            formula: `${perStep.value} × ${each.value} steps a generation`,
            from: [perStep.origin, each.origin],
          })
        : firstKnown('no file gives the micro-batch size'),
    vllmShare: share ? numberFrom(share) : fallback<number>(DEFAULTS.vllmShare),
    sleeps: sleep ? booleanFrom(sleep) : fallback<boolean>(DEFAULTS.sleep),
    gathersWhole: gather ? booleanFrom(gather) : fallback<boolean>(DEFAULTS.gather),
  };
}

/** 512 since TRL 1.10, half of it before (grpo_config.py, 1.9.0). */
function defaultTokens(trl: Known<string> | undefined): Known<number> {
  return isOlder(trl, '1.10') ? byDefault(256, 'trl before 1.10', GRPO) : fallback<number>(DEFAULTS.completionTokens);
}

/** On the training GPUs since TRL 1.0, in a server of its own up to 0.29; which one is not known without the version. */
function defaultMode(trl: Known<string> | undefined): Known<'colocate' | 'server'> {
  if (isOlder(trl, '1.0')) return byDefault('server', 'trl before 1.0', 'trl trl/trainer/grpo_config.py:113 (0.26.2)');
  if (trl?.known) return byDefault('colocate', TRL, `${GRPO}:594`);
  return unknown('vLLM is a server before TRL 1.0 and on the training GPUs since, and the version is not known');
}

function fallback<T>({ value, of, source }: Default<T>): Known<T> {
  return byDefault(value, of, source);
}
