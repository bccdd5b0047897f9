import { optimizerOf } from '../rules-support/optimizers';
import { offloadDeviceOf, setFix, severityOfBuilt, stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports Muon where ZeRO would hand it cut gradients. */
export const muonUnsupported = rule({
  id: 'muon-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer'],
  why: 'Muon needs whole gradient matrices, and reduce-scatter leaves each rank a piece. DeepSpeed raises at stage 3, and at stages 1 and 2 with an offloaded optimizer, unless reduce_scatter is false; it is true by default.',
  source: ['deepspeed/runtime/zero/stage3.py:352 (0.19.6)', 'deepspeed/runtime/zero/stage_1_and_2.py:231 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "Muon", "params": { "lr": 1e-3 } }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "Muon", "params": { "lr": 1e-3 } }, "zero_optimization": { "stage": 3, "reduce_scatter": false } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "Muon", "params": { "lr": 1e-3 } }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const optimizer = optimizerOf(config);
    if (!stage || optimizer?.name !== 'muon') return;
    const offload = offloadDeviceOf(config, 'offload_optimizer');
    const cut = setting(config, 'zero_optimization.reduce_scatter');
    const isCut = !cut || booleanOf(cut) === true;
    if (isCut && (stage === 3 || offload === 'cpu' || offload === 'nvme')) {
      report({
        at: cut ? [cut, optimizer.found] : optimizer.found,
        severity: severityOfBuilt(run),
        message: `Muon at ZeRO stage ${stage}${stage === 3 ? '' : ' with an offloaded optimizer'} needs reduce_scatter set to false; its default is true. DeepSpeed stops when it builds the optimizer.`,
        fixes: [setFix(config, 'zero_optimization.reduce_scatter', false)],
      });
    }
    const quantized = setting(config, 'zero_optimization.zero_quantized_gradients');
    if (stage !== 3 || !quantized || booleanOf(quantized) !== true) return;
    report({
      at: [quantized, optimizer.found],
      severity: severityOfBuilt(run),
      message: 'Muon does not work with zero_quantized_gradients. DeepSpeed stops when it builds the optimizer.',
      fixes: [setFix(config, 'zero_optimization.zero_quantized_gradients', false)],
    });
  },
});
