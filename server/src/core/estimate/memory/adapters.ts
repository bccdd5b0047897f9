import type { Model } from '../../models/model';
import { known, unknown, valueIfKnown } from '../../run/known';
import type { Lora, TrainingRun } from '../../run/training-run';
import type { Corner, Facts, Note } from './facts';
import { countLora, type LoraCounts } from './lora';

type Adapters = Pick<Facts, 'lora' | 'quantization' | 'nested' | 'halfAdapters'>;

/** Adapters and quantised weights. Where a switch is filled in later, the band reaches down to what it could turn on. */
export function readAdapters(run: TrainingRun, model: Model, tensor: number, corner: Corner, note: Note): Adapters {
  noteLora(run, model, note);
  const { quantization } = run;
  if (quantization?.known === false) {
    const because = `${quantization.why}; the band reaches down to 4 bits`;
    note({ what: 'quantisation', value: 'none', because });
  }
  const isLow = corner === 'low';
  const lora = loraOf(run, model, tensor, corner);
  return {
    lora,
    // Quantised weights cannot be trained themselves.
    quantization: valueIfKnown(quantization) ?? (quantization && isLow && lora ? 'nf4' : undefined),
    // Where the release is not known, they are taken to be wider.
    halfAdapters: lora !== undefined && valueIfKnown(run.quantizedTraining?.halfAdapters) === true,
    nested: valueIfKnown(run.nestedQuantization) ?? (run.nestedQuantization !== undefined && isLow),
  };
}

/** Ranks of adapters that a template fills in: what the band reaches to. */
const HIGHEST_RANK = 64;

function loraOf(run: TrainingRun, model: Model, tensor: number, corner: Corner): LoraCounts | undefined {
  if (run.lora === undefined) return undefined;
  if (!run.lora.known) return corner === 'low' ? countLora(model, LEAST, tensor) : undefined;
  return countLora(model, corner === 'high' ? atMost(run.lora.value) : run.lora.value, tensor);
}

const NOT_SAID = unknown<never>('it is not said');
const LEAST: Lora = { rank: NOT_SAID, targets: NOT_SAID, modulesToSave: NOT_SAID };

/** What a key says that cannot be read is taken to be much; without a key PEFT's own defaults hold. */
function atMost(lora: Lora): Lora {
  const { rank, targets } = lora;
  const origin = { kind: 'assumed', because: 'the high end of the band' } as const;
  return {
    ...lora,
    rank: !rank.known && rank.origin ? known(HIGHEST_RANK, origin) : rank,
    targets: !targets.known && targets.origin ? known(['all-linear'], origin) : targets,
  };
}

/** What PEFT fills in, or the model's family. */
function noteLora(run: TrainingRun, model: Model, note: Note): void {
  if (run.lora === undefined) return;
  if (!run.lora.known) {
    const because = `${run.lora.why}; the band reaches down to adapters alone`;
    note({ what: 'LoRA', value: 'none: all parameters are trained', because });
    return;
  }
  const { rank, targets } = run.lora.value;
  if (!rank.known) {
    const because = rank.origin ? `${rank.why}; the band reaches to ${HIGHEST_RANK}` : rank.why;
    note({ what: 'LoRA rank', value: "8, PEFT's default", because }, rank.origin ? undefined : 'none');
  }
  if (!targets.known) {
    const value = model.loraTargets?.join(', ') ?? 'q_proj, v_proj';
    const reach = targets.origin ? '; the band reaches to all linear layers' : '';
    const because = `${targets.why}; PEFT takes them by model family${reach}`;
    note({ what: 'LoRA targets', value, because }, targets.origin ? undefined : 'none');
  }
}
