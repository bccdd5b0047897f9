import type { Severity } from '../findings';
import type { Model } from '../models/model';
import { accelerateFsdp, type FsdpSettings, fsdpSettingsOf, severityOfRead } from '../rules-support/fsdp';
import { recipe } from '../rules-support/trainer-recipe';
import { removalOf } from '../rules-support/zero';
import type { RunOutline } from '../run/training-run';
import { nearestKey } from '../schema/keys';
import { type Setting, scalarOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import type { SequenceNode } from '../syntax/node';
import { rule } from './rule';

const WRAP = (name: string) =>
  recipe(
    `model_name_or_path: meta-llama/Llama-3.1-8B\nfsdp: true\nfsdp_config:\n  version: 2\n  transformer_layer_cls_to_wrap: ${name}\n`,
  );

/** Checks that the class FSDP wraps occurs in the model. */
export const wrapClassNotInModel = rule({
  id: 'wrap-class-not-in-model',
  severity: 'error',
  applies: ['fsdp', 'accelerate'],
  why: 'FSDP makes one unit of every layer of the named class and raises "Could not find the transformer layer class to wrap in the model" when there is none.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:2090 (1.15.0) FSDP 1',
    'accelerate src/accelerate/utils/fsdp_utils.py:949 (1.15.0) FSDP 2',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'fsdp.json': '{ "version": 2, "transformer_layer_cls_to_wrap": "LlamaDecoderLayr" }',
          'train.yaml': recipe('model_name_or_path: meta-llama/Llama-3.1-8B\nfsdp: true\nfsdp_config: fsdp.json\n'),
        },
      },
      {
        files: {
          'accelerate.yaml': accelerateFsdp(
            'fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_transformer_layer_cls_to_wrap: GPT2Block',
          ),
          'train.yaml': recipe('model_name_or_path: meta-llama/Llama-3.1-8B\n'),
        },
      },
    ],
    good: [{ files: { 'train.yaml': WRAP('LlamaDecoderLayer') } }],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const found = settings?.get('transformer_layer_cls_to_wrap');
    if (!settings || !found?.node) return;
    const policy = scalarOf(settings.get('auto_wrap_policy'))?.value;
    const isUsed =
      policy === undefined ? settings.reader === 'trainer' : String(policy).toUpperCase() === 'TRANSFORMER_BASED_WRAP';
    if (!isUsed) return;
    if (reportEmpty(found)) return;
    if (settings.reader === 'accelerate' && reportUnreadable(found)) return;
    if (!run.model.known || run.model.value.confidence === 'low') return;
    const model = run.model.value;
    const readSeverity = severityOfRead(settings, run);
    const classes = classesOf(model);
    const names = namesIn(found, settings.reader === 'accelerate');
    const strange = names?.find((name) => !classes.includes(name));
    if (!names || strange === undefined || classes.length === 0 || !isLayerName(strange.trim())) return;
    const trimmed = strange.trim();
    const isSpaced = trimmed !== strange && classes.includes(trimmed);
    const blocks = [...new Set(model.blocks.map(({ className }) => className))];
    const nearest = nearestKey(trimmed, classes) ?? (blocks.length === 1 ? blocks[0] : undefined);
    const fixed = isSpaced
      ? names.map((name) => name.trim())
      : names.map((name) => (name === strange && nearest ? nearest : name));
    report({
      at: found,
      // A model class of the script's own, or remote code, can have other layers.
      severity:
        isSpaced || model.confidence === 'high' || nearestKey(trimmed, classes)
          ? isCertainlyRead(settings, run, readSeverity)
          : 'warning',
      message: isSpaced
        ? `The names in ${found.path} are split at commas only, so " ${trimmed}" with its space is looked for and not found; the job stops when the model is wrapped.`
        : `${model.architecture} has no layer class ${trimmed}; its blocks are ${blocks.join(' and ')}. The job stops when the model is wrapped.`,
      fixes:
        nearest || isSpaced
          ? [
              {
                title: `Write ${fixed.join(',')}`,
                edits:
                  found.node.kind === 'sequence'
                    ? replaceValue(config.file, found.node, fixed)
                    : replaceValue(config.file, found.node, fixed.join(',')),
              },
            ]
          : [],
    });

    /** No name at all is one empty name, and no layer is called that. */
    function reportEmpty(written: Setting): boolean {
      const { node } = written;
      const isEmpty =
        node?.kind === 'sequence'
          ? node.items.length === 0
          : node?.kind === 'scalar' && !node.templated && node.scalar.type === 'string' && node.scalar.value === '';
      if (!isEmpty || !settings) return false;
      report({
        at: written,
        severity: isCertainlyRead(settings, run, severityOfRead(settings, run)),
        message: `${written.path} names no layer class, and the empty name is looked for and not found; the job stops when the model is wrapped. Without the key the model's own list is taken.`,
        fixes: [{ title: `Remove ${written.path}`, preferred: true, edits: removalOf(written) }],
      });
      return true;
    }

    /** A list becomes one text with brackets in the environment, and a name keeps the space before it. */
    function reportUnreadable(written: Setting): boolean {
      const { node } = written;
      const listed = node?.kind === 'sequence' ? textsOf(node) : undefined;
      const text = node?.kind === 'scalar' && !node.templated && node.scalar.type === 'string' ? node.scalar.value : '';
      const spaced = text.split(',').find((name) => name.trim() !== name && name.trim() !== '');
      if (!node || (!listed && spaced === undefined)) return false;
      const names = listed ?? text.split(',').map((name) => name.trim());
      report({
        at: written,
        message: listed
          ? `accelerate launch passes the list in ${written.path} on as one text with its brackets, and no layer class has that name; the job stops when the model is wrapped.`
          : `The names in ${written.path} are split at commas only, so "${spaced ?? ''}" with its space is looked for and not found; the job stops when the model is wrapped.`,
        fixes: [
          {
            title: `Write ${names.join(',')}`,
            preferred: true,
            edits: replaceValue(config.file, node, names.join(',')),
          },
        ],
      });
      return true;
    }
  },
});

/** Without `auto_wrap` among its words the Trainer before 5.10 wraps nothing, so an error needs the release or the words. */
function isCertainlyRead(settings: FsdpSettings, run: RunOutline, read: Severity): Severity {
  if (settings.reader === 'accelerate' || read === 'error') return 'error';
  const words = run.configs.trainer && stringOf(setting(run.configs.trainer, 'fsdp'));
  return words?.includes('auto_wrap') ? 'error' : 'warning';
}

function classesOf(model: Model): readonly string[] {
  return [...new Set([...model.blocks.map(({ className }) => className), ...model.noSplitModules])];
}

/** Layer classes only: embeddings and heads occur in a model too, and the catalog does not list them. */
function isLayerName(name: string): boolean {
  return /(?:Layer|Block|Layr|Blok)$/i.test(name);
}

/** The names as the framework splits them: Accelerate at commas, without trimming. */
function namesIn({ node }: Setting, splits: boolean): readonly string[] | undefined {
  if (node?.kind === 'sequence') return textsOf(node);
  if (node?.kind !== 'scalar' || node.templated || node.scalar.type !== 'string') return undefined;
  if (splits) return node.scalar.value.split(',');
  return node.scalar.value.includes(',') ? node.scalar.value.split(',') : [node.scalar.value];
}

function textsOf({ items }: SequenceNode): readonly string[] | undefined {
  const names = items.map((item) =>
    item.kind === 'scalar' && !item.templated && item.scalar.type === 'string' ? item.scalar.value : undefined,
  );
  return names.every((name) => name !== undefined) ? (names as string[]) : undefined;
}
