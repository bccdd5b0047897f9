import type { HardwareCatalog } from '../catalogs';
import type { ClusterDescription, NodeDescription } from './description';
import { type NodeShape, nodeOfAccelerator } from './node';

const GIB = 2 ** 30;
const GIGA = 1e9;

/** An own node: the accelerator's usual board, with what the description says about the machine. */
export function describedNode(
  given: NodeDescription,
  { between }: ClusterDescription,
  catalog: HardwareCatalog,
): { readonly node: NodeShape } | { readonly problem: string; readonly nearest: readonly string[] } {
  const match = catalog.resolve(given.accelerator);
  if (match?.accelerator === undefined)
    return {
      problem: `No accelerator is called "${given.accelerator}".`,
      nearest: catalog.nearest(given.accelerator, 3),
    };
  const base = nodeOfAccelerator({ ...match, accelerator: match.accelerator }, given.count);
  const cpu = given.cpu === undefined ? undefined : catalog.cpu(given.cpu);
  const nics = between.nicsPerNode;
  return {
    node: {
      ...base,
      between: {
        transport: between.transport ?? 'tcp',
        nics,
        bytesPerSecond:
          between.bytesPerSecondPerNic === undefined ? undefined : between.bytesPerSecondPerNic * (nics ?? 1),
        known: between.bytesPerSecondPerNic !== undefined,
        efaGeneration: undefined,
      },
      host: {
        memoryBytes: given.hostMemoryGiB === undefined ? undefined : given.hostMemoryGiB * GIB,
        vcpus: given.vcpus,
        cpu,
        cpuName: cpu?.name ?? given.cpu,
        arch: cpu === undefined ? undefined : cpu.arch === 'arm64' ? 'arm64' : 'x86_64',
        sockets: given.sockets,
        pcieGeneration: given.pcieGeneration ?? base.host.pcieGeneration,
        pcieLanes: given.pcieLanes ?? 16,
        gpusPerUplink: given.gpusPerUplink ?? 1,
        nvme:
          given.nvmeGB === undefined && given.nvmeReadGBps === undefined
            ? undefined
            : {
                bytes: scaled(given.nvmeGB),
                read: scaled(given.nvmeReadGBps),
                write: scaled(given.nvmeWriteGBps),
                measured: given.nvmeReadGBps !== undefined,
              },
      },
      assumptions: unsaid(given, base),
    },
  };
}

/** What the description leaves open and is assumed. */
function unsaid(given: NodeDescription, base: NodeShape): readonly string[] {
  const found = base.assumptions.filter((line) => line.startsWith('Taken as'));
  if (given.hostMemoryGiB === undefined) found.push('Host memory not given (`node.hostMemoryGiB`)');
  if (given.cpu === undefined) found.push('CPU not given (`node.cpu`): CPU-Adam speed is a guess');
  if (given.pcieGeneration === undefined) found.push(`PCIe Gen${base.host.pcieGeneration} to the host assumed`);
  return found;
}

function scaled(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * GIGA;
}
