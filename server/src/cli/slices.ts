import type { Path } from '../core/source';
import { type Listing, listDisk } from '../lsp/disk';
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

/** Files that are checked together: neighbours, so that what lies around them is read once. */
export interface Slice {
  readonly paths: Path[];
  /** What their folders hold, as far as a walk has found it. */
  readonly listings: Map<Path, Listing>;
}

/** Lists the folders of the slice at hand from what the walk has found, and all others from the disk. */
export class SliceFolders {
  private listings: ReadonlyMap<Path, Listing> | undefined;

  enter({ listings }: Slice): void {
    this.listings = listings;
  }

  list(folder: Path): Listing {
    return this.listings?.get(folder) ?? listDisk(folder);
  }
}

/** A slice that was checked: where its files stand among all of them. */
export interface Checked {
  readonly slice: number;
  readonly part: Part;
}

/**
 * Takes slices until there are no more. `folders` is where the client's server has its listings from; `sliceAt` gives undefined for one
 * beyond the last.
 */
export async function checkSlices(
  client: Client,
  folders: SliceFolders,
  { options, state }: Pick<Job, 'options' | 'state'>,
  sliceAt: (slice: number) => Slice | undefined,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (;;) {
    const index = Atomics.add(state, TAKEN, 1);
    const slice = sliceAt(index);
    if (!slice) return checked;
    folders.enter(slice);
    checked.push({ slice: index, part: await checkPart(client, slice.paths, options) });
  }
}
