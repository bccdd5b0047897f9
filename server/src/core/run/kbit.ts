import { type Known, unknown } from './known';
import { readQuantization } from './lora';
import { isOlder, type RunSources } from './sources';
import type { QuantizedTraining } from './training-run';
import { byDefault } from './written';

const ADAPTERS = 'trl trl/trainer/sft_trainer.py:908 (1.16.0), 715 (0.26.2)';
const BEFORE = 'trl trl/models/utils.py, prepare_peft_model (0.24.0)';

/**
 * What is done to a model that bitsandbytes quantised, before it is trained. `prepare_model_for_kbit_training` of PEFT makes all that is left in
 * 16 bits fp32 (src/peft/utils/other.py:207, 0.21.2). TRL called it up to 0.25, and with bf16 and 4 bits made embedding and head bf16 again;
 * since 0.26 it does not, and makes the adapters bf16.
 */
export function readQuantizedTraining(sources: RunSources): QuantizedTraining | undefined {
  const quantization = readQuantization(sources);
  if (quantization === undefined) return undefined;
  const { args, frameworks } = sources;
  if (!args.trl) {
    const why = 'the script may call prepare_model_for_kbit_training, as the guide of PEFT does';
    return { restToFp32: unknown(why), halfAdapters: byDefault(false, 'PEFT', 'peft src/peft/tuners/lora/config.py') };
  }
  const { trl } = frameworks;
  const isEight = quantization.known && quantization.value === 'int8';
  if (isOlder(trl, '0.26'))
    return {
      restToFp32: byDefault(isEight, 'trl before 0.26', BEFORE),
      halfAdapters: byDefault(false, 'PEFT', BEFORE),
    };
  const halfAdapters: Known<boolean> = trl?.known
    ? byDefault(true, 'trl 0.26.0', ADAPTERS)
    : unknown('TRL makes them bf16 since 0.26, and no file pins the release');
  if (trl?.known || !isEight) return { restToFp32: byDefault(false, 'trl 0.26.0', ADAPTERS), halfAdapters };
  return { restToFp32: unknown('TRL before 0.26 makes them fp32, and no file pins the release'), halfAdapters };
}
