import type { Catalogs, HardwareCatalog, ModelCatalog } from '../core/catalogs';
import { loadHardwareCatalog } from './hardware';
import { loadModelCatalog } from './models';
import { loadSchema } from './schemas';

/** The bundled catalogs and schemas, each parsed when first asked for: most checks need few of them. */
export function loadCatalogs(): Catalogs {
  let models: ModelCatalog | undefined;
  let hardware: HardwareCatalog | undefined;
  return {
    get models() {
      models ??= loadModelCatalog();
      return models;
    },
    get hardware() {
      hardware ??= loadHardwareCatalog();
      return hardware;
    },
    schema: loadSchema,
  };
}
