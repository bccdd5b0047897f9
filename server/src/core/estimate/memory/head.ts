import type { Model } from '../../models/model';
import type { TrainingRun } from '../../run/training-run';
import type { Corner, Note } from './facts';

/** A few labels in place of the vocabulary: AutoModelForSequenceClassification. */
export function asClassifier(model: Model): Model {
  const groups = model.groups.filter(({ kind }) => kind !== 'head');
  const architecture = model.architecture.replace(/For\w+$|(?:With)?(?:LMHead)?Model$/, 'ForSequenceClassification');
  return { ...model, groups, architecture, tiedEmbeddings: false };
}

/**
 * The model as the script makes it. An encoder's checkpoint names the class it was pretrained with, or none; scripts that fine-tune it take
 * another, whose logits are samples × labels (BertForSequenceClassification, transformers models/bert/modeling_bert.py). What no file
 * tells is in the band: labels at the low end, the vocabulary at the high one.
 */
export function withHead(run: TrainingRun, model: Model, corner: Corner, note: Note): Model {
  const { head } = run;
  if (head === undefined || !isPretrainedEncoder(model)) return model;
  if (head.known) return head.value === 'labels' ? asClassifier(model) : model;
  const because = `${head.why}; the band reaches up to the logits of all words, which the class that it was pretrained with makes`;
  note({ what: 'head', value: 'of a few labels', because });
  return corner === 'high' ? model : asClassifier(model);
}

function isPretrainedEncoder({ architecture, blocks }: Model): boolean {
  return /For(MaskedLM|PreTraining)$|Model$/.test(architecture) && blocks.every(({ tower }) => tower === 'encoder');
}
