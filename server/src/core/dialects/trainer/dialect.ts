import { type Setting, stringOf } from '../../settings';
import type { Config, DialectId } from '../../source';
import type { Dialect } from '../dialect';
import { fileSetting, sectionAt } from '../references';
import { recognise } from './recognise';

/** Arguments of the Hugging Face Trainer and of TRL. */
export const trainer: Dialect = {
  id: 'trainer',
  title: 'Trainer config',
  recognise,
  sections: (config) => [...sectionAt(config, 'deepspeed', 'deepspeed'), ...sectionAt(config, 'fsdp_config', 'fsdp')],
  references,
};

function references(config: Config): { setting: Setting; dialect: DialectId }[] {
  const found: { setting: Setting; dialect: DialectId }[] = [];
  const deepspeed = fileSetting(config, 'deepspeed');
  if (deepspeed !== undefined) found.push({ setting: deepspeed, dialect: 'deepspeed' });
  const fsdp = fileSetting(config, 'fsdp_config');
  if (fsdp !== undefined) found.push({ setting: fsdp, dialect: 'fsdp' });
  const model = fileSetting(config, 'model_name_or_path');
  if (model !== undefined && isLocal(stringOf(model) ?? '')) found.push({ setting: model, dialect: 'model' });
  return found;
}

/** `org/name` is an id of a model hub; only what is written as a path is a folder for certain. */
function isLocal(written: string): boolean {
  return /^(?:\.{1,2}\/|\/)/.test(written);
}
