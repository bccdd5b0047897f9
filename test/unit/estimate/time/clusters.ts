import { buildCluster } from '../../../../server/src/core/hardware/cluster';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { loadHardwareCatalog } from '../../../../server/src/data/hardware';

const catalog = loadHardwareCatalog();

/** A cluster as the catalog and a description file give it. */
export function cluster(
  hardware: string | Readonly<Record<string, unknown>>,
  size: { readonly nodes?: number; readonly gpusPerNode?: number } = {},
): Cluster {
  const built = buildCluster({ hardware, ...size }, { catalog });
  if ('problem' in built) throw new Error(built.problem);
  return built.cluster;
}
