import { accelerateFile, distributedTypeOf, machinesOf } from '../rules-support/accelerate-file';
import { isSet } from '../rules-support/trainer-recipe';
import { scalarOf, setting, stringOf } from '../settings';
import { rule } from './rule';

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|0\.0\.0\.0|::1)$/i;

/** Checks that the machines of a run can find each other. */
export const mainAddressMissing = rule({
  id: 'main-address-missing',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['num_machines'],
  why: 'With several machines every launcher connects to main_process_ip. Without it, it waits for a host called None, and with a loopback address each machine waits for itself, until the time runs out.',
  source: [
    'accelerate src/accelerate/utils/launch.py:217 (1.15.0) rdzv_endpoint',
    'accelerate src/accelerate/utils/launch.py:452 (1.15.0) DeepSpeed',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: accelerateFile('num_machines: 2\nnum_processes: 16\nmachine_rank: 0\n') },
      {
        files: accelerateFile(
          'num_machines: 2\nnum_processes: 16\nmachine_rank: 0\nmain_process_ip: 127.0.0.1\nmain_process_port: 29500\n',
        ),
      },
    ],
    good: [
      {
        files: accelerateFile(
          'num_machines: 2\nnum_processes: 16\nmachine_rank: 0\nmain_process_ip: 10.0.0.1\nmain_process_port: 29500\n',
        ),
      },
      { files: accelerateFile('num_machines: 1\nnum_processes: 8\n') },
      {
        files: {
          'accelerate.yaml': accelerateFile('num_machines: 2\nnum_processes: 16\nmachine_rank: 0\n'),
          'run.sh': 'accelerate launch --config_file accelerate.yaml --main_process_ip $MAIN train.py\n',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const machines = setting(config, 'num_machines');
    const count = machinesOf(config);
    if (!machines || count === undefined || count < 2 || isStartedBySsh()) return;
    if (run.launches?.some(({ flags }) => flags.has('main_process_ip'))) return;
    const address = setting(config, 'main_process_ip');
    const written = address ? stringOf(address) : undefined;
    if (address && written !== undefined && LOOPBACK.test(written)) {
      report({
        at: [address, machines],
        message: `main_process_ip ${written} is each machine itself: ${count} machines never find each other, and the launch waits until it times out.`,
      });
      return;
    }
    if (address?.node?.kind === 'scalar' && address.node.templated) return;
    // The port is 29500 where none is given (utils/launch.py:209).
    if (isSet(config, 'main_process_ip')) return;
    report({
      at: machines,
      message: `${count} machines need main_process_ip to find each other; unless the command line gives it, the launch waits until it times out.`,
    });

    /** pdsh and MPI start the other machines from a host file, and DeepSpeed finds the address itself. */
    function isStartedBySsh(): boolean {
      if (setting(config, 'mpirun_config')) return true;
      if (distributedTypeOf(config) !== 'DEEPSPEED') return false;
      const launcher = scalarOf(setting(config, 'deepspeed_config.deepspeed_multinode_launcher'))?.value;
      return launcher !== 'standard';
    }
  },
});
