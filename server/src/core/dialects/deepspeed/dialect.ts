import type { Dialect } from '../dialect';
import { recognise } from './recognise';

/** DeepSpeed's JSON config. */
export const deepspeed: Dialect = {
  id: 'deepspeed',
  title: 'DeepSpeed config',
  recognise,
  sections: () => [],
  references: () => [],
};
