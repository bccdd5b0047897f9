import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import type { Corner, Note } from './facts';

/** A few labels in place of the vocabulary: AutoModelForSequenceClassification. */
export function asClassifier(model: Model): Model {
  const groups = model.groups.filter(({ kind }) => kind !== 'head');
  const architecture = model.architecture.replace(/For\w+$|(?:With)?(?:LMHead)?Model$/, 'ForSequenceClassification');
  const { total, active, byKind } = model.parameters;
  const { head = 0, ...rest } = byKind;
  const parameters = { total: total - head, active: active - head, byKind: rest };
  return { ...model, groups, architecture, tiedEmbeddings: false, parameters };
}

/** Whether its class ends in a few labels, boxes or scores, so that there are no logits of words. */
export function endsInLabels({ architecture }: Pick<Model, 'architecture'>): boolean {
  return /For(Sequence|Token|Image|Audio)Classification|ForQuestionAnswering|ForMultipleChoice/.test(architecture);
}

/** The model with the head that the trainer or the script gives it: a reward model ends in one score (trl RewardTrainer). */
export function asTrained(run: TrainingRun, model: Model, corner: Corner, note: Note): Model {
  return valueIfKnown(run.preference?.method) === 'reward' ? asClassifier(model) : withHead(run, model, corner, note);
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
