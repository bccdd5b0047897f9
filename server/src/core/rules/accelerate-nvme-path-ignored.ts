import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const FILE = (device: string) =>
  `compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\nmixed_precision: bf16\ndeepspeed_config:\n  zero_stage: 3\n  offload_optimizer_device: ${device}\n  offload_optimizer_nvme_path: /local_nvme\n`;

/** Reports NVMe offload in an Accelerate file, whose path does not arrive. */
export const accelerateNvmePathIgnored = rule({
  id: 'accelerate-nvme-path-ignored',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['deepspeed_config'],
  why: 'accelerate launch hands the offload devices of its file to the training process, but not the NVMe paths: DeepSpeed gets the text "none" as the path and swaps to a folder of that name.',
  source: [
    'accelerate src/accelerate/utils/launch.py:566 (1.15.0) prepare_deepspeed_cmd_env',
    'accelerate src/accelerate/utils/dataclasses.py:1246 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [{ name: 'accelerate.yaml', files: FILE('nvme') }],
    good: [{ name: 'accelerate.yaml', files: FILE('cpu') }],
  },
  check({ config, report }) {
    if (setting(config, 'deepspeed_config.deepspeed_config_file')) return;
    for (const part of ['optimizer', 'param'] as const) {
      const device = setting(config, `deepspeed_config.offload_${part}_device`);
      if (!device?.node || stringOf(device)?.toLowerCase() !== 'nvme') continue;
      report({
        at: device,
        message: `The launcher does not pass offload_${part}_nvme_path on, so DeepSpeed swaps to a folder named "none" where the job starts. NVMe offload needs a DeepSpeed file, named by deepspeed_config_file.`,
        fixes: [{ title: 'Offload to host memory instead', edits: replaceValue(config.file, device.node, 'cpu') }],
      });
    }
  },
});
