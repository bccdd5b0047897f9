import type { HardwareCatalog } from '../catalogs';
import type { ClusterDescription, NodeDescription } from './description';
import { type NodeShape, nodeOfAccelerator } from './node';
import { ownAccelerator } from './own-accelerator';

const GIB = 2 ** 30;
const GIGA = 1e9;

/** An own node: the accelerator's usual board, with what the description says about the machine. */
export function describedNode(
  given: NodeDescription,
  { between }: ClusterDescription,
  catalog: HardwareCatalog,
): { readonly node: NodeShape } | { readonly problem: string; readonly nearest: readonly string[] } {
  const chosen = acceleratorOf(given.accelerator, catalog);
  if ('problem' in chosen) return chosen;
  const base = nodeOfAccelerator(chosen, given.count);
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

type Chosen = Parameters<typeof nodeOfAccelerator>[0];

function acceleratorOf(
  given: NodeDescription['accelerator'],
  catalog: HardwareCatalog,
): Chosen | { readonly problem: string; readonly nearest: readonly string[] } {
  if (typeof given === 'string') {
    const match = catalog.resolve(given);
    if (match?.accelerator !== undefined) return { ...match, accelerator: match.accelerator };
    return { problem: `No accelerator is called "${given}".`, nearest: catalog.nearest(given, 3) };
  }
  const own = ownAccelerator(given, catalog);
  if ('problem' in own) return own;
  return { instance: undefined, accelerator: own.accelerator, count: undefined, others: [] };
}

/** The figures of an own accelerator, with where they come from. */
function ownRecord({ accelerator }: NodeDescription, { accelerator: chip }: NodeShape): readonly string[] {
  if (typeof accelerator === 'string') return [];
  const { bf16, fp16, fp32 } = chip.peakFlops;
  const peak = bf16 ?? fp16 ?? fp32 ?? 0;
  const format = bf16 !== null ? 'bf16' : fp16 !== null ? 'fp16' : 'fp32';
  const rest = accelerator.like === undefined ? '' : `; the rest as ${accelerator.like}`;
  return [
    `${chip.name} as its own record says (not the catalog): ${figure(chip.memoryBytes / GIB)} GiB, ${figure(chip.memoryBytesPerSecond / GIGA)} GB/s, ${figure(peak / 1e12)} TFLOPS ${format}${rest}`,
  ];
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** What the description leaves open and is assumed. */
function unsaid(given: NodeDescription, base: NodeShape): readonly string[] {
  const found = [...ownRecord(given, base), ...base.assumptions.filter((line) => line.startsWith('Taken as'))];
  if (given.hostMemoryGiB === undefined) found.push('Host memory not given (`node.hostMemoryGiB`)');
  if (given.cpu === undefined) found.push('CPU not given (`node.cpu`): CPU-Adam speed is a guess');
  if (given.pcieGeneration === undefined) found.push(`PCIe Gen${base.host.pcieGeneration} to the host assumed`);
  return found;
}

function scaled(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * GIGA;
}
