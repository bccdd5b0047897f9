import { accelerateFile, distributedTypeOf } from '../rules-support/accelerate-file';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Says that several GPUs are asked for and one process is started. */
export const multiGpuWithOneProcess = rule({
  id: 'multi-gpu-with-one-process',
  severity: 'information',
  applies: ['accelerate'],
  needs: ['distributed_type'],
  why: 'num_processes is the number of GPUs that train. MULTI_GPU with one process starts torchrun with one worker, and the other GPUs stay idle.',
  source: ['accelerate src/accelerate/commands/launch.py:1208 (1.15.0) refused as a flag, not in a file'],
  verified: 'run',
  examples: {
    bad: [{ files: accelerateFile('num_machines: 1\nnum_processes: 1\n') }],
    good: [{ files: accelerateFile('num_machines: 1\nnum_processes: 2\n') }],
  },
  check({ config, report }) {
    const type = setting(config, 'distributed_type');
    const word = distributedTypeOf(config);
    const processes = setting(config, 'num_processes');
    if (!type?.node || !processes || numberOf(processes) !== 1 || !/^MULTI_(?!CPU)/.test(word ?? '')) return;
    report({
      at: [processes, type],
      message: `distributed_type is ${word ?? ''} with one process: one GPU trains, and the others stay idle.`,
      fixes: [{ title: 'Set distributed_type to "NO"', edits: replaceValue(config.file, type.node, 'NO') }],
    });
  },
});
