import type { Path } from '../core/source';
import type { Client, ClientOptions } from './client';
import { checkPart, type Part, type PartOptions } from './part';

/** What a thread is told to do. Slices come one by one while files are still being looked for; null is the last message. */
export interface Job {
  readonly client: ClientOptions;
  readonly options: PartOptions;
  readonly state: Int32Array;
}

/** Places of the numbers that all threads share: slices taken, and slices found so far. */
export const TAKEN = 0;
export const FOUND = 1;

/** A slice that was checked: where its files stand among all of them. */
export interface Checked {
  readonly slice: number;
  readonly part: Part;
}

/** Takes slices until there are no more. `sliceAt` gives undefined for one beyond the last. */
export async function checkSlices(
  client: Client,
  { options, state }: Pick<Job, 'options' | 'state'>,
  sliceAt: (slice: number) => readonly Path[] | undefined,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (;;) {
    const slice = Atomics.add(state, TAKEN, 1);
    const paths = sliceAt(slice);
    if (!paths) return checked;
    checked.push({ slice, part: await checkPart(client, paths, options) });
  }
}
