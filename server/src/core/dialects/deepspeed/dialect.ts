import type { Dialect } from '../dialect';
import { recognise } from './recognise';

export const deepspeed: Dialect = {
  id: 'deepspeed',
  title: 'DeepSpeed config',
  recognise,
  sections: () => [],
  references: () => [],
};
