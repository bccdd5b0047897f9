/**
 * Milliseconds of processor time that a work takes. Unlike those of the clock they are the same where the machine is busy with something
 * else, so a bound on them tells of the work alone.
 */
export function processorMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
