import type { Dialect } from '../dialect';
import { fileSetting } from '../references';
import { recognise } from './recognise';

/** Its `fsdp_config` has Accelerate's own keys, so it is no section of the Trainer's dialect. */
export const accelerate: Dialect = {
  id: 'accelerate',
  title: 'Accelerate config',
  recognise,
  sections: () => [],
  references(config) {
    const file = fileSetting(config, 'deepspeed_config.deepspeed_config_file');
    return file === undefined ? [] : [{ setting: file, dialect: 'deepspeed' }];
  },
};
