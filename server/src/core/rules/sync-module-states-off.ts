import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, truthOf } from '../rules-support/fsdp';
import { booleanOf, type Setting, scalarOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Checks that weights loaded on one rank reach the others. */
export const syncModuleStatesOff = rule({
  id: 'sync-module-states-off',
  severity: 'error',
  applies: ['accelerate', 'fsdp'],
  why: 'With cpu_ram_efficient_loading only rank 0 reads the weights, and sync_module_states sends them on. accelerate launch raises a ValueError when the second is off, for FSDP 2 as well; its default for the first is true.',
  source: [
    'accelerate src/accelerate/utils/launch.py:306 (1.15.0)',
    'accelerate src/accelerate/utils/dataclasses.py:1978 (1.15.0) corrected with a warning',
    'transformers src/transformers/training_args.py:2035 (4.57.6) ValueError',
  ],
  verified: 'run',
  examples: {
    bad: [
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 1\nfsdp_sync_module_states: false') },
      {
        name: 'fsdp_config.json',
        files:
          '{ "version": 1, "cpu_ram_efficient_loading": true, "sync_module_states": false, "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 1\nfsdp_sync_module_states: false\nfsdp_cpu_ram_efficient_loading: false'),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const sync = settings?.get('sync_module_states');
    if (!settings || !sync?.node) return;
    const efficient = settings.get('cpu_ram_efficient_loading');
    const launched = settings.reader === 'accelerate';
    if (launched) {
      if (efficient ? !isTruthy() : false) return;
      // The launcher asks for truth as Python has it: the text "false" passes there, and FSDP 1 puts it right later.
      if (booleanOf(sync) !== false) {
        if (truthOf(sync) === false && fsdpVersionOf(settings, run) === 1 && truthOf(efficient) !== false)
          reportText(sync);
        return;
      }
    } else if (truthOf(sync) !== false || truthOf(efficient) !== true || fsdpVersionOf(settings, run) !== 1) return;
    report({
      at: efficient ? [sync, efficient] : sync,
      severity: launched ? 'error' : 'warning',
      message: launched
        ? `${sync.path} is false while cpu_ram_efficient_loading is true${efficient ? '' : ' by default'}; accelerate launch stops on that.`
        : 'sync_module_states is false while cpu_ram_efficient_loading is true: Accelerate switches it on with a warning, and transformers before 5.10 stops.',
      fixes: [
        { title: `Set ${sync.path} to true`, edits: replaceValue(config.file, sync.node, true) },
        {
          title: 'Set cpu_ram_efficient_loading to false',
          edits: efficient?.node
            ? replaceValue(config.file, efficient.node, false)
            : setPath(config.file, config.root, settings.name('cpu_ram_efficient_loading'), false),
        },
      ],
    });

    function reportText(found: Setting): void {
      report({
        at: found,
        severity: 'warning',
        message: `${found.path} is the text "false"; with cpu_ram_efficient_loading Accelerate switches it on all the same, with a warning.`,
        fixes: found.node
          ? [{ title: `Set ${found.path} to true`, edits: replaceValue(config.file, found.node, true) }]
          : [],
      });
    }

    function isTruthy(): boolean {
      const scalar = scalarOf(efficient);
      return scalar !== undefined && Boolean(scalar.value);
    }
  },
});
