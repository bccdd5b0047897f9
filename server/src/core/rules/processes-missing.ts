import { accelerateFile } from '../rules-support/accelerate-file';
import { numberOf, scalarOf, setting } from '../settings';
import { insertEntry } from '../syntax/editing';
import { rule } from './rule';

/** Reports an Accelerate file that does not say how many processes to start. */
export const processesMissing = rule({
  id: 'processes-missing',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['distributed_type'],
  why: 'accelerate launch takes the number of processes from the file or from --num_processes, and stops without either. Only the quoted distributed_type "NO" means one process.',
  source: [
    'accelerate src/accelerate/commands/launch.py:1305 (1.15.0)',
    'accelerate src/accelerate/commands/config/config_args.py:111 (1.15.0) one process for NO',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: accelerateFile('num_machines: 1\n') }, { files: accelerateFile('num_machines: 1\n', 'NO') }],
    good: [
      { files: accelerateFile('num_machines: 1\nnum_processes: 2\n') },
      { files: accelerateFile('num_machines: 1\n', "'NO'") },
      {
        files: {
          'accelerate.yaml': accelerateFile('num_machines: 1\n'),
          'run.sh': 'accelerate launch --config_file accelerate.yaml --num_processes 4 train.py\n',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const type = setting(config, 'distributed_type');
    if (!type?.node || setting(config, 'num_processes') || run.worldSize.known) return;
    if (type.node.kind !== 'scalar' || type.node.templated || type.node.scalar.value === 'NO') return;
    if (scalarOf(setting(config, 'compute_environment'))?.value === 'AMAZON_SAGEMAKER') return;
    const machines = numberOf(setting(config, 'num_machines')) ?? 1;
    const count = machines >= 1 ? 8 * machines : 8;
    const nodes = machines > 1 ? `${machines} nodes` : 'one node';
    report({
      at: type,
      on: 'entry',
      message: 'num_processes is not set; unless the command line gives --num_processes, accelerate launch stops.',
      fixes: [
        {
          title: `Set num_processes to ${count}, for ${nodes} of 8 GPUs`,
          edits: insertEntry(config.file, config.root, 'num_processes', count),
        },
      ],
    });
  },
});
