import type { Dialect } from '../dialect';
import { recognise } from './recognise';

/** Hugging Face's `config.json` of a model. */
export const model: Dialect = {
  id: 'model',
  title: 'model config',
  recognise,
  sections: () => [],
  references: () => [],
};
