import { accelerateFile, distributedTypeOf, machinesOf } from '../rules-support/accelerate-file';
import { scalarOf, setting } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

const DS = (lines: string) =>
  accelerateFile(
    `num_machines: 2\nnum_processes: 16\nmain_process_ip: 10.0.0.1\ndeepspeed_config:\n  zero_stage: 2\n${lines}`,
    'DEEPSPEED',
  );

/** Reports a DeepSpeed launch over several machines that does not say which. */
export const hostfileMissing = rule({
  id: 'hostfile-missing',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['num_machines'],
  why: "Unless another launcher is chosen, Accelerate hands a run over several machines to DeepSpeed's pdsh launcher with --hostfile None. DeepSpeed finds no such file, says so in one line, and goes on with the GPUs of this machine only.",
  source: [
    'accelerate src/accelerate/utils/launch.py:476 (1.15.0) --hostfile',
    'deepspeed/launcher/runner.py (0.19.8) fetch_hostfile: local resources only',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: DS('') }],
    good: [{ files: DS('  deepspeed_hostfile: hosts\n') }, { files: DS('  deepspeed_multinode_launcher: standard\n') }],
  },
  check({ config, report }) {
    const machines = setting(config, 'num_machines');
    const count = machinesOf(config);
    if (!machines || count === undefined || count < 2 || distributedTypeOf(config) !== 'DEEPSPEED') return;
    const launcher = setting(config, 'deepspeed_config.deepspeed_multinode_launcher');
    const chosen = launcher ? scalarOf(launcher)?.value : 'pdsh';
    if (chosen !== 'pdsh' && chosen !== null) return;
    const hosts = setting(config, 'deepspeed_config.deepspeed_hostfile');
    if (hosts && scalarOf(hosts)?.value !== null) return;
    report({
      at: machines,
      message: `${count} machines with DeepSpeed's pdsh launcher need deepspeed_hostfile; unless the command line gives it, DeepSpeed goes on with the GPUs of this machine only.`,
      fixes: [
        {
          title: 'Use the standard launcher, started on each machine',
          edits: setPath(config.file, config.root, 'deepspeed_config.deepspeed_multinode_launcher', 'standard'),
        },
      ],
    });
  },
});
