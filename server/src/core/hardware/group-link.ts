import type { Cluster, Link } from './hardware';
import { meshLabel } from './links';
import { linkShare } from './mesh';

/**
 * The link that a group of `size` GPUs of one node has. Switches give every group all links of a GPU; in a mesh each pair has
 * links of its own, so that a part of the node uses a part of them. 2 MI300X reach 48 GB/s where 8 reach 313.
 * Source: stas00/ml-engineering network/README.md (MI300X all_reduce by number of GPUs).
 */
export function groupLink({ intra, accelerator, gpusPerNode }: Cluster, size: number): Link {
  if (size < 2 || size >= gpusPerNode || (intra.kind !== 'nvlink-mesh' && intra.kind !== 'xgmi')) return intra;
  const { generation } = accelerator.link;
  const share = linkShare(size, gpusPerNode, generation) / linkShare(gpusPerNode, gpusPerNode, generation);
  const wireBytesPerSecond = intra.wireBytesPerSecond * share;
  return {
    ...intra,
    bytesPerSecond: intra.bytesPerSecond * share,
    low: intra.low * share,
    high: intra.high * share,
    ringBytesPerSecond: intra.ringBytesPerSecond * share,
    wireBytesPerSecond,
    label: `${meshLabel(intra.kind, wireBytesPerSecond)} (${size} of ${gpusPerNode} GPUs)`,
  };
}
