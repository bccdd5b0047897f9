import type { SourceFile } from '../../source';
import type { Recognition } from '../dialect';
import { hasKey, mappingAt, rootMapping, textAt } from '../root';

/** A description of a cluster in our own shape (`schemas/cluster.schema.json`): an instance or a node of its own, and how many. */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined || file.tree.format !== 'json') return undefined;
  if (textAt(root, '$schema')?.includes('cluster.schema.json')) {
    return { dialect: 'cluster', confidence: 1, reason: 'names the cluster schema' };
  }
  if (!root.entries.every((entry) => KEYS.has(entry.key))) return undefined;
  const node = mappingAt(root, 'node');
  const hasMachine = textAt(root, 'instance') !== undefined || (node !== undefined && hasKey(node, 'accelerator'));
  if (!hasMachine || !['nodes', 'gpusPerNode', 'inside', 'between'].some((key) => hasKey(root, key))) return undefined;
  return {
    dialect: 'cluster',
    confidence: 0.9,
    reason: `has ${node === undefined ? '`instance`' : '`node`'} and how it is linked`,
  };
}

const KEYS: ReadonlySet<string> = new Set(
  '$schema name instance node nodes gpusPerNode nodesPerMachine cpuThreadsPerProcess hostMemoryGiB inside between'.split(
    ' ',
  ),
);
