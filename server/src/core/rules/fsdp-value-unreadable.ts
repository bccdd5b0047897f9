import type { FsdpSettings } from '../rules-support/fsdp';
import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, severityOfRead, truthOf } from '../rules-support/fsdp';
import { removalOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { isTemplated, type Setting, scalarOf } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { type RuleContext, rule } from './rule';

/** Reports FSDP values that arrive as a text nobody can read. */
export const fsdpValueUnreadable = rule({
  id: 'fsdp-value-unreadable',
  severity: 'error',
  applies: ['fsdp', 'accelerate'],
  why: 'FSDP settings travel as texts in the environment and are read back there. A word that is neither true nor false raises a ValueError, null arrives as the text "None", and 1e8 as "100000000.0", which is no integer.',
  source: [
    'accelerate src/accelerate/utils/launch.py:304 (1.15.0) the environment',
    'accelerate src/accelerate/utils/environment.py:71 (1.15.0) str_to_bool',
    'accelerate src/accelerate/utils/dataclasses.py:1919 (1.15.0) int(FSDP_MIN_NUM_PARAMS)',
    'accelerate src/accelerate/commands/launch.py:520 (1.12.0) the default is the float 1e8',
    'transformers src/transformers/training_args.py:2908 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          `${'fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP'}\nfsdp_version: 1\nfsdp_offload_params: maybe`,
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_version: 2\nfsdp_reshard_after_forward: null',
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 1.0e+8'),
      },
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP') },
      {
        files:
          '{ "version": 2, "cpu_ram_efficient_loading": "maybe", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_version: 1\nfsdp_offload_params: true',
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_version: 2\nfsdp_reshard_after_forward: true',
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 100000000',
        ),
      },
      {
        files:
          '{ "version": 2, "cpu_ram_efficient_loading": "true", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
      },
    ],
  },
  check(context) {
    const { config, run } = context;
    const settings = fsdpSettingsOf(config, run);
    if (!settings) return;
    const version = fsdpVersionOf(settings, run);
    for (const { key, only, old, since } of TRUTHS[settings.reader]) {
      if (only !== undefined && only !== version) continue;
      const stated = statedVersion(run, 'accelerate');
      if (since !== undefined && stated !== undefined && !isAtLeast(stated, since)) continue;
      const found = settings.get(key);
      if (found) reportTruth(context, settings, found, old === true, stated === undefined ? since : undefined);
    }
    if (settings.reader === 'trainer') reportText(context, settings);
    else {
      if (version === 1) reportNull(context, settings.get('sharding_strategy'));
      reportSize(context, settings);
    }
  },
});

/** Keys read with str_to_bool; `only`: by this FSDP, `old`: by transformers 4 as well, `since`: by accelerate from there on. */
const TRUTHS: Readonly<
  Record<
    FsdpSettings['reader'],
    readonly { readonly key: string; readonly only?: 1 | 2; readonly old?: true; readonly since?: string }[]
  >
> = {
  accelerate: [
    { key: 'offload_params' },
    { key: 'cpu_ram_efficient_loading' },
    { key: 'activation_checkpointing' },
    { key: 'activation_checkpointing_offload', since: '1.15.0' },
    { key: 'sync_module_states', only: 1 },
    { key: 'use_orig_params', only: 1 },
    { key: 'forward_prefetch', only: 1 },
    { key: 'reshard_after_forward', only: 2 },
  ],
  trainer: [
    { key: 'cpu_ram_efficient_loading', old: true },
    { key: 'activation_checkpointing' },
    { key: 'reshard_after_forward', only: 2 },
    { key: 'sync_module_states', only: 1, old: true },
    { key: 'use_orig_params', only: 1, old: true },
    { key: 'forward_prefetch', only: 1, old: true },
  ],
};

function reportTruth(
  { run, report }: RuleContext,
  settings: FsdpSettings,
  found: Setting,
  old: boolean,
  since: string | undefined,
): void {
  const { node } = found;
  if (node?.kind !== 'scalar' || isTemplated(found) || truthOf(found) !== undefined) return;
  const { value } = node.scalar;
  // Words there are strategies of FSDP 1: reshard-for-other-version.
  if (found.path.endsWith('reshard_after_forward') && value !== null) return;
  const reader =
    settings.reader === 'trainer'
      ? 'the Trainer'
      : since === undefined
        ? 'Accelerate'
        : `Accelerate ${since} and later`;
  report({
    at: found,
    severity: since !== undefined ? 'warning' : old ? 'error' : severityOfRead(settings, run),
    message:
      value === null
        ? `${found.path} is null, which arrives as the text "none", neither true nor false; ${reader} stops at start-up.`
        : `${found.path} is ${JSON.stringify(value)}, which is neither true nor false; ${reader} stops at start-up.`,
    fixes:
      value === null
        ? [{ title: `Remove ${found.path}, which leaves the default`, edits: removalOf(found) }]
        : [true, false].map((truth) => ({
            title: `Write ${truth}`,
            edits: replaceValue(found.config.file, node, truth),
          })),
  });
}

function reportNull({ report }: RuleContext, found: Setting | undefined): void {
  if (!found || scalarOf(found)?.type !== 'null') return;
  report({
    at: found,
    message: `${found.path} is null, which arrives as the text "None" and is no strategy; Accelerate stops at start-up.`,
    fixes: [{ title: `Remove ${found.path}, which leaves the default`, edits: removalOf(found) }],
  });
}

/** The Trainer compares min_num_params with 0, which a text does not allow. */
function reportText({ config, run, report }: RuleContext, settings: FsdpSettings): void {
  const size = settings.get('min_num_params');
  const policy = scalarOf(settings.get('auto_wrap_policy'))?.value;
  if (policy !== 'SIZE_BASED_WRAP' || size?.node?.kind !== 'scalar' || size.node.templated) return;
  if (size.node.scalar.type !== 'string') return;
  const number = Number(size.node.scalar.value);
  report({
    at: size,
    severity: severityOfRead(settings, run),
    message: `${size.path} is the text "${size.node.scalar.value}", which cannot be compared with a number; the Trainer stops at start-up.`,
    fixes: Number.isInteger(number)
      ? [{ title: `Write ${number}`, preferred: true, edits: replaceValue(config.file, size.node, number) }]
      : [],
  });
}

/** `int()` reads the text of min_num_params, which must be plain digits; the launcher's own default is not. */
function reportSize({ config, run, report }: RuleContext, settings: FsdpSettings): void {
  const policy = settings.get('auto_wrap_policy');
  const word = scalarOf(policy)?.value;
  if (!policy || typeof word !== 'string' || word.toUpperCase() !== 'SIZE_BASED_WRAP') return;
  const size = settings.get('min_num_params');
  if (!size) {
    const stated = statedVersion(run, 'accelerate');
    if (stated !== undefined && isAtLeast(stated, '1.13.0')) return;
    const section = policy.config.root.entries.find(({ key }) => key === 'fsdp_config')?.value;
    report({
      at: policy,
      severity: stated === undefined ? 'warning' : 'error',
      message: `SIZE_BASED_WRAP without fsdp_min_num_params stops at start-up with Accelerate ${stated ?? 'before 1.13'}: the launcher passes its default on as "100000000.0", which is no integer.`,
      fixes:
        section?.kind === 'mapping'
          ? [
              {
                title: 'Set fsdp_min_num_params to 100000000',
                edits: insertEntry(
                  config.file,
                  section,
                  settings.name('min_num_params').replace(/^.*\./, ''),
                  100_000_000,
                ),
              },
            ]
          : [],
    });
    return;
  }
  const { node } = size;
  if (node?.kind !== 'scalar' || node.templated) return;
  const { scalar } = node;
  const text = scalar.type === 'string' ? scalar.value : node.raw;
  const isWhole = scalar.type !== 'null' && /^\s*[-+]?\d+(?:_\d+)*\s*$/.test(text);
  if (isWhole || scalar.type === 'bool') return;
  const number = Number(text);
  report({
    at: size,
    message: `${size.path} is ${scalar.type === 'null' ? 'null' : text}, and arrives as a text that is no integer; Accelerate stops at start-up.`,
    fixes:
      scalar.type !== 'null' && Number.isInteger(number)
        ? [{ title: `Write ${number}`, preferred: true, edits: replaceValue(config.file, node, number) }]
        : [],
  });
}
