import { accelerateFile, machinesOf } from '../rules-support/accelerate-file';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const RANK = (rank: number) =>
  accelerateFile(
    `num_machines: 2\nnum_processes: 16\nmachine_rank: ${rank}\nmain_process_ip: 10.0.0.1\nmain_process_port: 29500\n`,
  );

/** Checks that the number of this machine is among those of the run. */
export const machineRankTooLarge = rule({
  id: 'machine-rank-too-large',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['machine_rank'],
  why: 'Machines are counted from 0, so the last of two is 1. The launcher does not compare the numbers; its ranks then lie outside the world and the others wait for the missing machine.',
  source: ['accelerate src/accelerate/utils/launch.py:217 (1.15.0) node_rank'],
  verified: 'read',
  examples: { bad: [{ files: RANK(2) }], good: [{ files: RANK(1) }] },
  check({ config, report }) {
    const rank = setting(config, 'machine_rank');
    const number = numberOf(rank);
    const machines = machinesOf(config);
    if (!rank || number === undefined || machines === undefined || number < machines || machines < 1) return;
    report({
      at: rank,
      message: `machine_rank is ${number}, and ${machines === 1 ? 'the one machine is number 0' : `${machines} machines are numbered 0 to ${machines - 1}`}; the run waits for a machine that never comes.`,
      // Counted from one, the last machine is one too high; any other number is the user's to know.
      fixes:
        rank.node && (machines === 1 || number === machines)
          ? [
              {
                title: `Set machine_rank to ${machines - 1}`,
                edits: replaceValue(config.file, rank.node, machines - 1),
              },
            ]
          : [],
    });
  },
});
