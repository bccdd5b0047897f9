import type { Family } from '../family';
import { blip2 } from './blip2';
import { bloomLike } from './bloom';
import { encoders } from './encoder';
import { gemmaText } from './gemma';
import { gptLike } from './gpt';
import { hybrids } from './hybrids';
import { llamaLike } from './llama';
import { latent } from './mla';
import { mixtures } from './moe';
import { multimodal } from './multimodal';
import { remoteModels } from './remote';
import { sequenceToSequence } from './seq2seq';
import { speechModels } from './speech';
import { t5Like } from './t5';
import { visionModels } from './vision';
import { visionLanguage } from './vision-language';

const ALL: readonly Family[] = [
  ...llamaLike,
  ...mixtures,
  ...gptLike,
  ...bloomLike,
  ...latent,
  ...hybrids,
  ...encoders,
  ...t5Like,
  ...sequenceToSequence,
  ...visionLanguage,
  blip2,
  ...visionModels,
  ...gemmaText,
  ...multimodal,
  ...speechModels,
  ...remoteModels,
];

const BY_TYPE = new Map(ALL.flatMap((family) => family.types.map((type) => [type, family] as const)));

/** The family of a `model_type`; undefined where we cannot count its classes. */
export function familyOf(modelType: string): Family | undefined {
  return BY_TYPE.get(modelType);
}

/** Every `model_type` that can be counted. */
export function knownModelTypes(): readonly string[] {
  return [...BY_TYPE.keys()];
}
