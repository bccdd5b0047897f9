import type { Dialect } from '../dialect';
import { recognise } from './recognise';

/** The Trainer's `fsdp_config`. */
export const fsdp: Dialect = {
  id: 'fsdp',
  title: 'FSDP config',
  recognise,
  sections: () => [],
  references: () => [],
};
