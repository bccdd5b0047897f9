import { valueIfKnown } from '../run/known';
import type { Dimension } from './move';

/** Ways to split a model that only the script can take: nothing to try, and the user is told. */
export const scriptOnly: Dimension = (run, note) => {
  if ((valueIfKnown(run.worldSize) ?? 1) < 2) return [];
  const { pipeline } = run.parallelism;
  if (valueIfKnown(pipeline) === 1)
    note?.({ what: 'pipeline stages', because: 'the script must build the model as a pipeline of stages' });
  return [];
};
