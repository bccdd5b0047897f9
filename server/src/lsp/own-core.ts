import { analyze } from '../core/analyze';
import { loadCatalogs } from '../data/index';
import type { Core } from './session';

/** The core with the bundled catalogs: what every real server runs on. */
export function ownCore(): Core {
  return { analyze, catalogs: loadCatalogs() };
}
