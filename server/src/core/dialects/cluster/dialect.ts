import type { Dialect } from '../dialect';
import { recognise } from './recognise';

/** A description of own hardware. */
export const cluster: Dialect = {
  id: 'cluster',
  title: 'cluster description',
  recognise,
  sections: () => [],
  references: () => [],
};
