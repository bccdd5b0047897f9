import { accelerateFile, distributedTypeOf, machinesOf } from '../rules-support/accelerate-file';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports process counts that cannot be spread evenly: num_processes is the total of all machines. */
export const processesNotMultipleOfMachines = rule({
  id: 'processes-not-multiple-of-machines',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['num_processes'],
  why: 'num_processes is the total over all machines, and the launcher starts num_processes // num_machines on each. The remainder is never started, and 0 per machine starts nothing.',
  source: [
    'accelerate src/accelerate/utils/launch.py:217 (1.15.0) torchrun',
    'accelerate src/accelerate/utils/launch.py:476 (1.15.0) DeepSpeed',
    'https://github.com/huggingface/accelerate/issues/2818',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: accelerateFile(
          'num_machines: 3\nnum_processes: 4\nmain_process_ip: 10.0.0.1\nmain_process_port: 29500\n',
        ),
      },
    ],
    good: [
      {
        files: accelerateFile(
          'num_machines: 2\nnum_processes: 4\nmain_process_ip: 10.0.0.1\nmain_process_port: 29500\n',
        ),
      },
    ],
  },
  check({ config, report }) {
    const processes = setting(config, 'num_processes');
    const machines = setting(config, 'num_machines');
    const total = numberOf(processes);
    const count = machinesOf(config);
    if (!processes?.node || !machines || total === undefined || count === undefined) return;
    if (!Number.isInteger(total) || !Number.isInteger(count) || count < 2 || total < 1 || total % count === 0) return;
    const each = Math.floor(total / count);
    report({
      at: [processes, machines],
      // DeepSpeed's own launcher may take the number of GPUs from a host file instead.
      severity: each === 0 && distributedTypeOf(config) !== 'DEEPSPEED' ? 'error' : 'warning',
      message: `num_processes is the total of all machines: ${total} over ${count} is ${each} on each${each === 0 ? ', and none is started' : `, and ${total - each * count} of them never start`}.`,
      fixes: [
        {
          title: `Set num_processes to ${total * count}, ${total} on each`,
          edits: replaceValue(config.file, processes.node, total * count),
        },
        ...(each > 0
          ? [
              {
                title: `Set num_processes to ${each * count}, ${each} on each`,
                edits: replaceValue(config.file, processes.node, each * count),
              },
            ]
          : []),
      ],
    });
  },
});
