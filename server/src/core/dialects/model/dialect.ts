import type { Dialect } from '../dialect';
import { recognise } from './recognise';

export const model: Dialect = {
  id: 'model',
  title: 'model config',
  recognise,
  sections: () => [],
  references: () => [],
};
