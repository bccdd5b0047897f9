import { fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { removeFix } from '../rules-support/zero';
import { setting } from '../settings';
import { removeEntry, renameKey } from '../syntax/editing';
import { rule } from './rule';

/** Reports Accelerate's names for CPU offload in the Trainer's fsdp_config, and offload that is on by accident. */
export const offloadKeyUnread = rule({
  id: 'offload-key-unread',
  severity: 'warning',
  applies: ['fsdp'],
  why: 'The Trainer\'s key for FSDP offload is cpu_offload; Accelerate\'s offload_params is not read here. cpu_offload is tested for truth, so the text "false" switches it on.',
  source: [
    'transformers src/transformers/training_args.py:2788 (5.18.0)',
    'transformers src/transformers/training_args.py:2742 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "version": 2, "fsdp_offload_params": true, "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }' },
      { files: '{ "version": 2, "cpu_offload": "false", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }' },
    ],
    good: [{ files: '{ "version": 2, "cpu_offload": true, "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }' }],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    if (!settings) return;
    const cpu = settings.get('cpu_offload');
    if (cpu?.node?.kind === 'scalar' && cpu.node.scalar.type === 'string' && truthOf(cpu) === false) {
      report({
        at: cpu,
        message: `${cpu.path} is the text "${cpu.node.scalar.value}", and any text switches offload on.`,
        fixes: [
          {
            title: 'Write false without quotes',
            preferred: true,
            edits: [{ path: config.file.path, start: cpu.node.start, end: cpu.node.end, newText: 'false' }],
          },
        ],
      });
    }
    for (const key of ['fsdp_offload_params', 'offload_params', 'fsdp_offload', 'offload']) {
      const found = setting(config, key);
      if (!found || truthOf(found) === undefined) continue;
      const isOn = truthOf(found) === true;
      report({
        at: found,
        on: 'key',
        severity: isOn ? 'warning' : 'hint',
        message: isOn
          ? `The Trainer does not read ${key}, so nothing is offloaded; its key is cpu_offload.`
          : `The Trainer does not read ${key}.`,
        fixes:
          isOn && !cpu && found.node?.kind === 'scalar' && found.node.scalar.type === 'bool'
            ? [
                { title: 'Rename to cpu_offload', edits: renameKey(config.file, found.entry, 'cpu_offload') },
                removeFix(found),
              ]
            : [{ title: `Remove ${key}`, edits: removeEntry(config.file, config.root, found.entry) }],
      });
    }
  },
});
