import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildCluster, type ClusterSpec, statedSize } from '../../../server/src/core/hardware/cluster';
import type { Cluster, Link } from '../../../server/src/core/hardware/hardware';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';

const catalog = loadHardwareCatalog();
const GB = 1e9;
const GIB = 2 ** 30;

function built(spec: ClusterSpec, own?: Record<string, unknown>): Cluster {
  const result = buildCluster(spec, { catalog, own });
  if ('problem' in result) throw new Error(result.problem);
  return result.cluster;
}

function problem(spec: ClusterSpec): { problem: string; nearest: readonly string[] } {
  const result = buildCluster(spec, { catalog });
  if (!('problem' in result)) throw new Error(`built ${result.cluster.label}`);
  return result;
}

function example(name: string): Record<string, unknown> {
  const file = new URL(`../../../examples/llama-3-8b-zero3-offload/clusters/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** Between a slow socket and a rack of NVLink: a figure outside is in the wrong unit. */
function expectSane(link: Link, where: string): void {
  if (link.kind === 'none') {
    expect(link.bytesPerSecond, where).toBe(Number.POSITIVE_INFINITY);
    return;
  }
  for (const rate of [link.low, link.bytesPerSecond, link.high, link.ringBytesPerSecond, link.wireBytesPerSecond]) {
    expect(rate, where).toBeGreaterThan(0.005 * GB);
    expect(rate, where).toBeLessThan(8000 * GB);
  }
  expect(link.low, where).toBeLessThanOrEqual(link.bytesPerSecond);
  expect(link.high, where).toBeGreaterThanOrEqual(link.bytesPerSecond);
  expect(link.latencySeconds, where).toBeGreaterThan(1e-6);
  expect(link.latencySeconds, where).toBeLessThan(1e-3);
  expect(link.domain, where).toBeGreaterThanOrEqual(1);
  expect(link.label, where).not.toMatch(/NaN|undefined|Infinity/);
  expect(link.source, where).not.toBe('half of the wire');
}

describe('every instance of the catalog', () => {
  const ids = catalog.instanceIds();
  const fpga = ids.filter((id) => /^(f1|f2|vt1)\./.test(id));

  it.each([1, 2])('makes a cluster of %i nodes in sane units', (nodes) => {
    for (const hardware of ids.filter((id) => !fpga.includes(id))) {
      const cluster = built({ hardware, nodes });
      expect(cluster.nodes).toBe(nodes);
      expect(cluster.gpusPerNode, hardware).toBe(cluster.gpusInNode);
      expectSane(cluster.intra, hardware);
      expectSane(cluster.inter, hardware);
      expect(cluster.inter.kind === 'none', hardware).toBe(nodes === 1);
      expect(cluster.intra.kind === 'none', hardware).toBe(cluster.gpusPerNode === 1);
      expect(cluster.accelerator.memoryBytes, hardware).toBeGreaterThan(2 * GIB);
      expect(cluster.accelerator.memoryBytes, hardware).toBeLessThan(300 * GIB);
      const { host } = cluster;
      if (host.memoryBytes !== undefined) expect(host.memoryBytes / GIB, hardware).toBeGreaterThan(7);
      expect(host.pcieBytesPerSecondPerGpu, hardware).toBeGreaterThan(5 * GB);
      expect(host.pcieBytesPerSecondPerGpu, hardware).toBeLessThan(400 * GB);
      expect(host.copyLow, hardware).toBeLessThanOrEqual(host.copyBytesPerSecondPerGpu);
      expect(host.copyBytesPerSecondPerGpu, hardware).toBeLessThanOrEqual(host.pcieBytesPerSecondPerGpu);
    }
  });

  it('is refused, with the reason, where it has no accelerator to train on', () => {
    expect(fpga.length).toBe(9);
    for (const hardware of fpga) expect(problem({ hardware }).problem).toContain('no accelerator');
  });
});

it('makes a node of every accelerator alone, and says what it assumes', () => {
  for (const { id } of catalog.accelerators()) {
    for (const gpusPerNode of [1, 8]) {
      const cluster = built({ hardware: id, nodes: 2, gpusPerNode });
      expect(cluster.gpusPerNode).toBe(gpusPerNode);
      expectSane(cluster.intra, id);
      expect(cluster.inter.basis).toBe('assumed');
      expect(cluster.host.memoryBytes).toBeUndefined();
      expect(cluster.assumptions.length).toBeGreaterThan(1);
    }
  }
});

describe('the runs of the issue', () => {
  it('p4d, four GPUs: NVSwitch, Gen3 host with two GPUs on an uplink', () => {
    const cluster = built({ hardware: example('p4d-4gpu') });
    expect(cluster.label).toBe('4 × A100-40GB (p4d.24xlarge)');
    expect(cluster.intra).toMatchObject({ kind: 'nvlink-switch', label: 'NVSwitch 300 GB/s', domain: 4 });
    expect(cluster.intra.bytesPerSecond).toBe(234 * GB);
    expect(cluster.inter.kind).toBe('none');
    expect(cluster.accelerator.memoryBytes / GIB).toBeCloseTo(39.39, 2);
    expect(cluster.host.memoryBytes).toBe(1152 * GIB);
    expect(cluster.host.simd).toBe('avx512');
    expect(cluster.host.sockets).toBe(2);
    expect(cluster.host.pcieLabel).toBe('PCIe Gen3 x16, shared by 2 GPUs');
    expect(cluster.host.pcieBytesPerSecondPerGpu / GB).toBeCloseTo(6.25, 2);
  });

  it('one GPU of p4d has its uplink alone', () => {
    const cluster = built({ hardware: 'p4d.24xlarge', gpusPerNode: 1 });
    expect(cluster.host.pcieBytesPerSecondPerGpu / GB).toBeCloseTo(12.5, 2);
  });

  it('g6e, four GPUs: through host memory, AVX2', () => {
    const cluster = built({ hardware: example('g6e-4gpu') });
    expect(cluster.intra).toMatchObject({ kind: 'shm', label: 'PCIe without peer-to-peer (SHM)' });
    expect(cluster.intra.low).toBe(5 * GB);
    expect(cluster.intra.high).toBe(9 * GB);
    expect(cluster.host.simd).toBe('avx2');
    expect(cluster.host.copyBytesPerSecondPerGpu).toBe(12 * GB);
    expect(cluster.accelerator.name).toBe('L40S');
  });

  it.each([
    ['p4d-4pods-efa-gdr', 'efa-gdr', 5, 7, 'EFA 12.5 GB/s, GPUDirect RDMA', 288],
    ['p4d-4pods-tcp', 'tcp', 2, 2.5, 'TCP 12.5 GB/s', 288],
    ['g6e-4pods-efa', 'efa', 1.1, 1.5, 'EFA 12.5 GB/s, no GPUDirect RDMA', 384],
  ] as const)('%s: four nodes of one GPU on a shared machine', (name, kind, low, high, label, memoryGiB) => {
    const cluster = built({ hardware: example(name) });
    expect(cluster).toMatchObject({ nodes: 4, gpusPerNode: 1, nodesPerMachine: 4, nicsPerNode: 1 });
    expect(cluster.intra.kind).toBe('none');
    expect(cluster.inter).toMatchObject({ kind, label, basis: 'fitted', domain: 4 });
    expect(cluster.inter.bytesPerSecond / GB).toBeGreaterThanOrEqual(low);
    expect(cluster.inter.bytesPerSecond / GB).toBeLessThanOrEqual(high);
    expect(cluster.host.memoryBytes).toBe(memoryGiB * GIB);
    expect(cluster.assumptions.join()).toContain('share one machine');
  });

  it('takes the host memory that a description gives over that of the catalog, and says so', () => {
    const whole = built({ hardware: { instance: 'p4d.24xlarge', hostMemoryGiB: 512 } });
    expect(whole.host.memoryBytes).toBe(512 * GIB);
    expect(whole.assumptions.join()).toMatch(
      /Host memory 512\S* GiB as the cluster description says \(`hostMemoryGiB`\), not the 1,?152\S* GiB of p4d/,
    );
    const pods = built({
      hardware: { instance: 'p4d.24xlarge', nodesPerMachine: 4, gpusPerNode: 1, hostMemoryGiB: 512 },
    });
    expect(pods.host.memoryBytes).toBe(128 * GIB);
    const alone = built({ hardware: { instance: '8xH100', hostMemoryGiB: 2000 } });
    expect(alone.host.memoryBytes).toBe(2000 * GIB);
    expect(alone.assumptions.join()).not.toContain('host memory and CPU not known');
    expect(alone.assumptions.join()).toContain('CPU not known');
    const node = built({ hardware: { node: { accelerator: 'RTX 4090', count: 2 }, hostMemoryGiB: 64 } });
    expect(node.host.memoryBytes).toBe(64 * GIB);
    expect(node.assumptions.join()).not.toContain('Host memory not given');
  });

  it('p5: NVSwitch 4 inside, pods over EFA with GPUDirect RDMA', () => {
    const inside = built({ hardware: 'p5.48xlarge', gpusPerNode: 4 });
    expect(inside.intra).toMatchObject({ kind: 'nvlink-switch', label: 'NVSwitch 450 GB/s' });
    const between = { transport: 'efa-gdr', nicsPerNode: 1 };
    const pods = built({
      hardware: { instance: 'p5.48xlarge', nodes: 4, gpusPerNode: 1, nodesPerMachine: 4, between },
    });
    // 192.7 GB in the 70 s of a 79.4 s step that are not host work.
    expect(pods.inter.bytesPerSecond / GB).toBeGreaterThanOrEqual(2.5);
    expect(pods.inter.bytesPerSecond / GB).toBeLessThanOrEqual(3);
    expect(pods.host.simd).toBe('avx2');
  });

  it('puts the paths in the order that was measured', () => {
    const rate = (name: string, level: 'intra' | 'inter'): number =>
      built({ hardware: example(name) })[level].bytesPerSecond;
    const order = [
      rate('p4d-4gpu', 'intra'),
      rate('g6e-4gpu', 'intra'),
      rate('p4d-4pods-efa-gdr', 'inter'),
      rate('p4d-4pods-tcp', 'inter'),
      rate('g6e-4pods-efa', 'inter'),
    ];
    expect(order).toEqual([...order].sort((a, b) => b - a));
  });
});

describe('links', () => {
  it.each([
    ['p4d.24xlarge', 'nvlink-switch', 234, 8],
    ['p5.48xlarge', 'nvlink-switch', 362, 8],
    ['p6-b200.48xlarge', 'nvlink-switch', 675, 8],
    ['dgx-gb200-nvl72', 'nvlink-rack', 675, 72],
    ['p3.16xlarge', 'nvlink-mesh', 120, 4],
    ['workstation-2x-rtx-3090-nvlink', 'nvlink-bridge', 48, 2],
    ['g7e.48xlarge', 'pcie-p2p', 43, 4],
    ['g5.48xlarge', 'shm', 8, 1],
    ['workstation-4x-rtx-4090', 'shm', 8, 1],
    ['workstation-2x-rtx-5090', 'shm', 8, 1],
    ['mi300x-platform-8', 'xgmi', 312.9, 8],
    ['trn1.32xlarge', 'neuronlink', 134.4, 32],
    ['gaudi2-hls2', 'gaudi-roce', 183.75, 8],
    ['8x TPU v5e', 'ici', 140, 8],
  ])('%s inside: %s, %d GB/s, domain %d', (hardware, kind, gigabytes, domain) => {
    const { intra } = built({ hardware });
    expect(intra.kind).toBe(kind);
    expect(intra.bytesPerSecond / GB).toBeCloseTo(gigabytes, 1);
    expect(intra.domain).toBe(domain);
  });

  it.each([
    ['p4d.24xlarge', 'efa-gdr', 6.25],
    ['p5en.48xlarge', 'efa-gdr', 50],
    ['p6-b300.48xlarge', 'efa-gdr', 100],
    ['g6e.48xlarge', 'efa', 6.25],
    ['p3dn.24xlarge', 'efa', 1.5625],
    ['Standard_ND96isr_H100_v5', 'infiniband', 50],
    ['a3-ultragpu-8g', 'roce', 50],
    ['a3-megagpu-8g', 'tcpx', 25],
    ['a2-highgpu-8g', 'tcp', 1.5625],
  ])('%s between: %s, %d GB/s per GPU on the data sheet', (hardware, kind, gigabytes) => {
    const { inter, gpusPerNode } = built({ hardware, nodes: 2 });
    expect(inter.kind).toBe(kind);
    expect(inter.wireBytesPerSecond / GB).toBeCloseTo(gigabytes, 3);
    expect(inter.bytesPerSecond).toBeLessThan(inter.wireBytesPerSecond);
    expect(inter.ringBytesPerSecond).toBeLessThanOrEqual(inter.bytesPerSecond * gpusPerNode * 1.0001);
  });

  it('gives two MI300X one of seven links, as measured: 47.7 GB/s', () => {
    const { intra } = built({ hardware: 'mi300x-platform-8', gpusPerNode: 2 });
    expect(intra.bytesPerSecond / GB).toBeGreaterThan(43);
    expect(intra.bytesPerSecond / GB).toBeLessThan(50);
  });

  it('reaches what nccl-tests measured between whole nodes, within the band', () => {
    for (const [hardware, nodes, busbw] of [
      ['p5en.48xlarge', 16, 369.86],
      ['p6-b200.48xlarge', 4, 361.99],
    ] as const) {
      const { inter, gpusPerNode } = built({ hardware, nodes });
      expect(inter.low * gpusPerNode).toBeLessThan(busbw * GB);
      expect(inter.high * gpusPerNode).toBeGreaterThan(busbw * GB);
    }
  });

  it('joins bridged pairs over another path', () => {
    const four = built({ hardware: 'workstation-4x-rtx-a6000-nvlink' });
    expect(four.intra).toMatchObject({ kind: 'nvlink-bridge', domain: 2 });
    expect(four.beyondDomain?.kind).toBe('shm');
    expect(built({ hardware: 'workstation-4x-rtx-a6000-nvlink', gpusPerNode: 2 }).beyondDomain).toBeUndefined();
  });

  it('does not assume IMEX, and joins the rack where the description says it', () => {
    const apart = built({ hardware: 'p6e-gb200.36xlarge', nodes: 2 });
    expect(apart.inter.kind).toBe('efa-gdr');
    expect(apart.assumptions.join()).toContain('IMEX');
    const between = { transport: 'nvlink' };
    const joined = built({ hardware: { instance: 'p6e-gb200.36xlarge', nodes: 2, between } });
    expect(joined.inter.kind).toBe('nvlink-rack');
    expect(joined.intra.domain).toBe(72);
  });

  it('takes a measured bandwidth before its own', () => {
    const cluster = built({
      hardware: {
        instance: 'g6e.48xlarge',
        nodes: 2,
        inside: { measuredGBps: 15 },
        between: { measuredGBps: 3.2 },
      },
    });
    expect(cluster.intra).toMatchObject({ bytesPerSecond: 15 * GB, basis: 'given' });
    expect(cluster.inter.ringBytesPerSecond).toBeCloseTo(3.2 * GB, 0);
    expect(cluster.inter.bytesPerSecond).toBeCloseTo((3.2 * GB) / 8, 0);
  });

  it('uses a part of the cards with a part of the GPUs, and says so', () => {
    const cluster = built({ hardware: 'p4d.24xlarge', nodes: 2, gpusPerNode: 4 });
    expect(cluster.nicsPerNode).toBe(2);
    expect(cluster.assumptions.join()).toContain('2 of 4 network cards');
  });

  it('gives one device of a two-device card half of the card', () => {
    const { accelerator } = built({ hardware: 'MI250X' });
    expect(accelerator.memoryBytes / GIB).toBeCloseTo(63.98, 2);
    expect(accelerator.peakFlops.bf16).toBe(191.5e12);
  });

  it('halves the slot of two consumer cards', () => {
    expect(built({ hardware: 'workstation-2x-rtx-4090' }).host.pcieLabel).toBe('PCIe Gen4 x8');
  });
});

describe('NeuronCores', () => {
  it.each([
    ['trn1.32xlarge', undefined, 32, 16],
    ['trn1.32xlarge', 2, 32, 16],
    ['trn1.2xlarge', undefined, 2, 16],
    ['trn2.48xlarge', undefined, 64, 24],
    ['trn2.48xlarge', 2, 64, 24],
    ['trn2.48xlarge', 1, 128, 12],
    ['inf2.48xlarge', undefined, 24, 16],
    ['16xTrainium1', undefined, 32, 16],
  ] as const)('of %s with NEURON_LOGICAL_NC_CONFIG %s: %d of %d GiB', (hardware, logicalCores, cores, gib) => {
    const result = buildCluster({ hardware, logicalCores }, { catalog });
    if ('problem' in result) throw new Error(result.problem);
    const { gpusInNode, gpusPerNode, accelerator, intra, host } = result.cluster;
    expect([gpusInNode, gpusPerNode]).toEqual([cores, cores]);
    expect(accelerator.memoryBytes).toBe(gib * GIB);
    expect(accelerator.name).toMatch(/ NeuronCore$/);
    expect(intra.domain).toBe(cores);
    const chips = cores / (accelerator.coresPerChip ?? 1);
    const whole = catalog.accelerator(accelerator.id);
    expect(accelerator.peakFlops.bf16).toBeCloseTo(((whole?.peakFlops.bf16 ?? 0) * chips) / cores, -3);
    expect(host.pcieLabel).toContain(`shared by ${accelerator.coresPerChip} GPUs`);
  });

  it('are what a node has too few of', () => {
    const result = buildCluster({ hardware: 'trn1.32xlarge', gpusPerNode: 64 }, { catalog });
    expect('problem' in result && result.problem).toBe('trn1.32xlarge has 32 NeuronCores per node, not 64.');
  });
});

describe('an own node', () => {
  const node = {
    accelerator: 'RTX 4090',
    count: 4,
    hostMemoryGiB: 256,
    vcpus: 64,
    cpu: 'epyc-7r13',
    sockets: 1,
    pcieGeneration: 4,
    nvmeGB: 4000,
    nvmeReadGBps: 6,
    nvmeWriteGBps: 4,
  };

  it('is read from shardlens.json by its name', () => {
    const own = { 'my-box': { node, nodes: 2, between: { transport: 'roce', gbpsPerNic: 100, nicsPerNode: 2 } } };
    const cluster = built({ hardware: 'my-box' }, own);
    expect(cluster).toMatchObject({ nodes: 2, gpusPerNode: 4, gpusInNode: 4, instanceId: undefined });
    expect(cluster.host).toMatchObject({
      memoryBytes: 256 * GIB,
      vcpus: 64,
      simd: 'avx2',
      arch: 'x86_64',
      nvmeBytes: 4000 * GB,
      nvmeReadBytesPerSecond: 6 * GB,
      nvmeMeasured: true,
    });
    expect(cluster.intra.kind).toBe('shm');
    expect(cluster.inter).toMatchObject({ kind: 'roce', wireBytesPerSecond: 6.25 * GB });
    expect(cluster.assumptions).toEqual([expect.stringContaining('lossless (PFC and ECN)')]);
  });

  it('lists what it does not say', () => {
    const cluster = built({ hardware: { node: { accelerator: 'A100', count: 8 } } });
    const said = cluster.assumptions.join();
    for (const part of ['could also mean', 'Host memory', 'CPU not given', 'PCIe Gen4']) expect(said).toContain(part);
  });

  it('does not assume a bridge or peer-to-peer that the machine may lack', () => {
    for (const accelerator of ['RTX A6000', 'L40S', 'A100-PCIE-80GB']) {
      const { intra, assumptions } = built({ hardware: { node: { accelerator, count: 2 } } });
      expect(intra).toMatchObject({ kind: 'shm', basis: 'assumed' });
      expect(intra.high).toBeGreaterThan(25 * GB);
      expect(assumptions.join()).toContain('Speed inside the node assumed');
    }
    const bridged = built({ hardware: { node: { accelerator: 'RTX A6000', count: 4 }, inside: { path: 'nvlink' } } });
    expect(bridged.intra).toMatchObject({ kind: 'nvlink-bridge', domain: 2, basis: 'modelled' });
    expect(bridged.beyondDomain?.kind).toBe('shm');
    expect(built({ hardware: '4x RTX 4090' }).intra.basis).toBe('modelled');
  });

  it('may name a path that the card has only with a patched driver', () => {
    const cluster = built({ hardware: { node, inside: { path: 'pcie-p2p' } } });
    expect(cluster.intra.kind).toBe('pcie-p2p');
    expect(cluster.assumptions.join()).toContain('none from the vendor');
  });

  it('lets flags win over the description', () => {
    expect(built({ hardware: example('p4d-4gpu'), gpusPerNode: 2, nodes: 3 })).toMatchObject({
      nodes: 3,
      gpusPerNode: 2,
    });
  });

  it('is not found on the prototype', () => {
    expect(buildCluster({ hardware: 'constructor' }, { catalog, own: {} })).toHaveProperty('problem');
  });
});

it('tells the sizes that hardware states by itself', () => {
  const own = { pods: { instance: 'p4d.24xlarge', nodesPerMachine: 4, gpusPerNode: 1 }, broken: { nodes: 3 } };
  const stated = (hardware: ClusterSpec['hardware']): unknown => statedSize(hardware, { catalog, own });
  expect(stated(example('p4d-4pods-tcp'))).toEqual({ nodes: 4, gpusPerNode: 1 });
  expect(stated('pods')).toEqual({ nodes: 4, gpusPerNode: 1 });
  expect(stated('8xH100')).toEqual({ nodes: undefined, gpusPerNode: 8 });
  for (const hardware of ['p4d.24xlarge', 'broken', 'nonsense'])
    expect(stated(hardware)).toEqual({ nodes: undefined, gpusPerNode: undefined });
});

describe('impossible descriptions', () => {
  const p4d = { instance: 'p4d.24xlarge' };
  it.each<[string, ClusterSpec, string]>([
    ['more GPUs than the node has', { hardware: 'p4d.24xlarge', gpusPerNode: 16 }, 'has 8 GPUs per node, not 16'],
    [
      'more pods than GPUs',
      { hardware: { ...p4d, nodesPerMachine: 4, gpusPerNode: 4 } },
      'not enough for 4 nodes of 4',
    ],
    ['no nodes', { hardware: 'p4d.24xlarge', nodes: 0 }, 'number of nodes is 0'],
    ['half a GPU', { hardware: 'p4d.24xlarge', gpusPerNode: 0.5 }, 'number of GPUs per node is 0.5'],
    ['too many cards', { hardware: { ...p4d, between: { nicsPerNode: 8 } } }, 'has 4 network cards, not 8'],
    ['GDR on g6e', { hardware: { instance: 'g6e.48xlarge', between: { transport: 'efa-gdr' } } }, 'no GPUDirect RDMA'],
    ['EFA on Azure', { hardware: { instance: 'Standard_ND96asr_v4', between: { transport: 'efa' } } }, 'has no EFA'],
    ['NVLink on L40S', { hardware: { instance: 'g6e.48xlarge', inside: { path: 'nvlink' } } }, 'has no NVLink'],
    ['a rack of p4d', { hardware: { ...p4d, between: { transport: 'nvlink' } } }, 'in no NVLink rack'],
    ['an unknown key', { hardware: { ...p4d, gpus: 8 } }, '`gpus` is not a key'],
    ['an unknown transport', { hardware: { ...p4d, between: { transport: 'wifi' } } }, 'it can be efa-gdr'],
    ['text for a number', { hardware: { ...p4d, nodes: '4' } }, '`nodes` is "4"'],
    ['neither instance nor node', { hardware: {} }, 'names either'],
    ['a list', { hardware: { ...p4d, inside: [] } }, '`inside` is not a JSON object'],
  ])('%s', (_, spec, text) => {
    expect(problem(spec).problem).toContain(text);
  });

  it.each([
    ['p4d.24xlarg', 'p4d.24xlarge'],
    ['h1o0', 'H100'],
  ])('offers the names nearest to %s', (hardware, nearest) => {
    expect(problem({ hardware }).nearest).toContain(nearest);
    expect(problem({ hardware: { instance: hardware } }).nearest).toContain(nearest);
  });
});

describe('a name with several meanings', () => {
  const meanings = (hardware: string) => {
    const built = buildCluster({ hardware }, { catalog });
    if ('problem' in built) throw new Error(built.problem);
    return built.cluster.meanings;
  };

  it.each([
    ['A100', 'A100 could be 40 GB or 80 GB'],
    ['8xV100', 'V100 could be 16 GB or 32 GB'],
    ['H100', 'H100 could be 80 GB or 94 GB'],
  ])('%s', (name, words) => {
    const found = meanings(name);
    expect(found?.words).toBe(words);
    expect(found?.memoryBytes.length).toBeGreaterThan(1);
  });

  it.each(['A100-80GB', 'p4d.24xlarge', 'H200', 'L4'])('%s has one memory', (name) => {
    expect(meanings(name)).toBeUndefined();
  });
});
