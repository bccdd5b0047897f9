import type { Dialect } from '../dialect';
import { recognise } from './recognise';

export const cluster: Dialect = {
  id: 'cluster',
  title: 'cluster description',
  recognise,
  sections: () => [],
  references: () => [],
};
