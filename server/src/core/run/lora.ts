import { TRL_DEFAULTS } from '../dialects/trainer/defaults';
import { type Known, known, unknown } from './known';
import type { RunSources } from './sources';
import type { Lora, TrainingRun } from './training-run';
import { booleanFrom, byDefault, countFrom, numberFrom, textFrom, textsFrom, type Written } from './written';

/** LoRA as TRL's ModelConfig names it, or as PEFT-style keys of other scripts do; undefined where nothing mentions it. */
export function readLora(sources: RunSources): Known<Lora> | undefined {
  const { args } = sources;
  const use = args.get('use_peft', 'use_lora', 'lora_enable');
  const rank = args.get('lora_r', 'lora_rank');
  const on = use && booleanFrom(use);
  if (on?.known && !on.value) return undefined;
  if (on && !on.known) return unknown(on.why, on.origin);
  // TRL reads lora_r only with use_peft; other scripts that have a rank have no such switch.
  if (!on && (!rank || args.trl)) return undefined;
  const origin = (use ?? rank)?.origin;
  if (!origin) return undefined;
  const { of, source } = TRL_DEFAULTS.loraRank;
  const modules = args.get('lora_modules_to_save', 'modules_to_save');
  const dora = args.get('use_dora');
  return known(
    {
      rank: otherKind(args.get('peft_type')) ?? readRank(sources, rank),
      targets: readTargets(sources),
      modulesToSave: modules && modules.plain !== null ? textsFrom(modules) : byDefault([], of, source),
      dropout: readDropout(sources),
      dora: dora ? booleanFrom(dora) : byDefault(false, 'PEFT', 'peft src/peft/tuners/lora/config.py'),
    },
    origin,
  );
}

/** Adapters of another kind hold less than LoRA as a rule; how much is not counted. Rank-stabilised LoRA only scales otherwise. */
function otherKind(written: Written | undefined): Lora['rank'] | undefined {
  const kind = written && textFrom(written);
  if (!kind) return undefined;
  if (!kind.known) return unknown(kind.why, kind.origin);
  const name = kind.value.toUpperCase();
  return name === 'LORA' ? undefined : unknown(`${name} is not counted, and taken to be LoRA`, kind.origin);
}

function readRank({ args }: RunSources, written: Written | undefined): Lora['rank'] {
  const { value, of, source } = TRL_DEFAULTS.loraRank;
  if (written) return countFrom(written);
  return args.trl ? byDefault(value, of, source) : unknown('no key gives the LoRA rank');
}

/** TRL's ModelConfig has a default of its own; PEFT's is none (src/peft/tuners/lora/config.py). */
function readDropout({ args }: RunSources): Known<number> {
  const written = args.get('lora_dropout');
  if (written && written.plain !== null) return numberFrom(written);
  const { value, of, source } = TRL_DEFAULTS.loraDropout;
  if (args.trl) return byDefault(value, of, source);
  return byDefault(0, 'PEFT', 'peft src/peft/tuners/lora/config.py');
}

function readTargets({ args, model }: RunSources): Known<readonly string[]> {
  const written = args.get('lora_target_modules', 'lora_target', 'target_modules');
  if (written && written.plain !== null) return textsFrom(written);
  if (!model.known) return unknown(`PEFT takes the model's usual modules, and ${model.why}`);
  return model.value.loraTargets
    ? known(model.value.loraTargets, {
        kind: 'default',
        of: `PEFT for ${model.value.modelType}`,
        source: 'peft src/peft/utils/constants.py',
      })
    : unknown(`PEFT has no default modules for ${model.value.modelType}`, model.origin);
}

/** Whether the scales of 4-bit weights are quantised as well; bitsandbytes' default is not. */
export function readNestedQuantization({ args }: RunSources): TrainingRun['nestedQuantization'] {
  const written = args.get(
    'use_bnb_nested_quant',
    'bnb_4bit_use_double_quant',
    'use_nested_quant',
    'double_quantization',
  );
  return written && booleanFrom(written);
}

/** How the frozen weights are quantized (bitsandbytes); undefined where they are not. */
export function readQuantization({ args }: RunSources): TrainingRun['quantization'] {
  const four = args.get('load_in_4bit');
  const isFour = four && booleanFrom(four);
  if (four && isFour?.known && isFour.value) {
    const type = args.get('bnb_4bit_quant_type');
    const name = type && textFrom(type);
    if (!name?.known) return known(TRL_DEFAULTS.quantType.value, four.origin);
    return name.value === 'nf4' || name.value === 'fp4'
      ? known(name.value, name.origin)
      : unknown(`there is no 4-bit type ${name.value}`, name.origin);
  }
  const eight = args.get('load_in_8bit');
  const isEight = eight && booleanFrom(eight);
  if (eight && isEight?.known && isEight.value) return known('int8', eight.origin);
  // A switch that is filled in later may turn it on.
  for (const it of [isFour, isEight]) if (it && !it.known) return it;
  return undefined;
}
