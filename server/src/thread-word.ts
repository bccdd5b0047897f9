/** The first argument of a thread: asking Node's library of threads whether this is one would take each start a millisecond. */
export const THREAD = '--thread';

/** Whether this run calls itself a thread; only `isThread` of `cli/thread.ts` is sure. */
export function saysThread(): boolean {
  return process.argv[2] === THREAD;
}
