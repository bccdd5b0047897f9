import { parametersOf } from '../rules-support/optimizer-parameters';
import { optimizerOf } from '../rules-support/optimizers';
import { removeFix, severityOfBuilt, stageOf, zeroOf } from '../rules-support/zero';
import { nearestKey } from '../schema/keys';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import { renameKey } from '../syntax/editing';
import { rule } from './rule';

/** Reports parameters an optimizer's constructor does not take. */
export const optimizerParamsWrong = rule({
  id: 'optimizer-params-wrong',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer.params'],
  why: 'DeepSpeed hands optimizer.params to the constructor of the optimizer as they are. One that it does not take is a TypeError when the engine is built, and which it takes depends on the kernel: GPU, CPU under offload, or torch.',
  source: [
    'deepspeed/runtime/engine.py:1390 (0.16.9) _configure_basic_optimizer',
    'deepspeed/ops/adam/fused_adam.py:76 (0.19.8)',
    'deepspeed/ops/adam/cpu_adam.py:16 (0.19.8)',
    'deepspeed/ops/adam/fused_adam.py:88 (0.19.6) amsgrad',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4, "momentum": 0.9 } }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4, "amsgrad": true } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4, "eps": 1e-8 } }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4, "amsgrad": false } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const optimizer = optimizerOf(config);
    const params = setting(config, 'optimizer.params');
    if (!optimizer || params?.node?.kind !== 'mapping') return;
    const offload = zeroOf(run)?.offloadOptimizer;
    // At stage 0 the engine still builds the CPU kernel where the section asks for it.
    if (!offload?.known || (stageOf(run) ?? 0) === 0) return;
    const offloaded = offload.value !== 'none';
    const torchAdam = booleanOf(setting(config, 'optimizer.params.torch_adam')) === true;
    if (optimizer.name === 'muon') {
      for (const { key } of params.node.entries) {
        const found = setting(config, `optimizer.params.${key}`);
        if (!found || MUON.has(key) || key === 'max_grad_norm') continue;
        report({
          at: found,
          on: 'key',
          severity: 'warning',
          message: `DeepSpeed's Muon does not read ${key} and drops it without a word.`,
          fixes: [{ ...removeFix(found), preferred: true }],
        });
      }
    }
    const takes = parametersOf(optimizer.name, offloaded, torchAdam);
    if (!takes) return;
    const severity = severityOfBuilt(run);
    const version = statedVersion(run, 'deepspeed');
    const kind = torchAdam ? "torch's " : offloaded ? "DeepSpeed's CPU " : '';
    const title = optimizer.found.node?.kind === 'scalar' ? String(optimizer.found.node.scalar.value) : optimizer.name;
    for (const { key } of params.node.entries) {
      const found = setting(config, `optimizer.params.${key}`);
      // Reported by deprecated-key with the place it belongs to.
      if (!found || key === 'max_grad_norm') continue;
      const read = ENGINE_READS.has(`${optimizer.name}.${key}`);
      if (read && version !== undefined && isAtLeast(version, ENGINE_SINCE)) continue;
      if (!takes.includes(key)) {
        const nearest = nearestKey(key.replaceAll('-', '_'), takes);
        report({
          at: found,
          on: 'key',
          severity: read && version === undefined ? 'warning' : severity,
          message: `${kind}${title} takes no ${key}; DeepSpeed ${read && version === undefined ? `before ${ENGINE_SINCE} ` : ''}stops when it builds the optimizer.`,
          fixes: [
            ...(nearest && !setting(config, `optimizer.params.${nearest}`)
              ? [{ title: `Rename to ${nearest}`, edits: renameKey(config.file, found.entry, nearest) }]
              : []),
            removeFix(found),
          ],
        });
      } else if (key === 'amsgrad' && booleanOf(found) === true && isFused(optimizer.name, offloaded, torchAdam)) {
        report({
          at: found,
          severity,
          message: `${title} has no AMSGrad variant among DeepSpeed's kernels; DeepSpeed stops when it builds the optimizer.`,
          fixes: [removeFix(found)],
        });
      }
    }
  },
});

/** What the engine picks out of the parameters of Muon (deepspeed/runtime/engine.py:2215, 0.19.6). */
const MUON = new Set(
  'lr momentum weight_decay muon_lr adam_lr ns_method betas eps torch_adam adam_w_mode fp32_optimizer_states per_head_muon'.split(
    ' ',
  ),
);

/** Read by newer engines whatever the kernel (deepspeed/runtime/engine.py, 0.16.9 to 0.19.8). */
const ENGINE_SINCE = '0.19.1';
const ENGINE_READS = new Set(['adam.fp32_optimizer_states', 'adamw.fp32_optimizer_states']);

/** FusedAdam and FusedLamb refuse amsgrad; torch's optimizers and the CPU kernels take it. */
function isFused(name: string, offloaded: boolean, torchAdam: boolean): boolean {
  return name === 'lamb' || ((name === 'adam' || name === 'adamw') && !offloaded && !torchAdam);
}
