import type { Dialect } from '../dialect';
import { recognise } from './recognise';

export const fsdp: Dialect = {
  id: 'fsdp',
  title: 'FSDP config',
  recognise,
  sections: () => [],
  references: () => [],
};
