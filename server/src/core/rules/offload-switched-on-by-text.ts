import { fsdpSettingsOf, truthOf } from '../rules-support/fsdp';
import { rule } from './rule';

/** Reports FSDP offload that is on because "false" is a text. */
export const offloadSwitchedOnByText = rule({
  id: 'offload-switched-on-by-text',
  severity: 'warning',
  applies: ['fsdp'],
  why: 'The Trainer only asks whether cpu_offload is empty. The text "false" is not, so it moves all weights and the optimizer step to the CPU.',
  source: ['transformers src/transformers/training_args.py:2788 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "version": 2, "cpu_offload": "false", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }' }],
    good: [{ files: '{ "version": 2, "cpu_offload": false, "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }' }],
  },
  check({ config, run, report }) {
    const cpu = fsdpSettingsOf(config, run)?.get('cpu_offload');
    if (cpu?.node?.kind !== 'scalar' || cpu.node.scalar.type !== 'string' || truthOf(cpu) !== false) return;
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
  },
});
