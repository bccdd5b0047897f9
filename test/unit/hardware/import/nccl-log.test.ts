import { describe, expect, it } from 'vitest';
import { imported, importedText, printed, valuesOf } from './machine';

describe('an NCCL log', () => {
  it.each([
    ['p4d-4-of-8.log', undefined, { instance: 'p4d.24xlarge', nodes: 1, gpusPerNode: 4, inside: { path: 'nvlink' } }],
    ['g6e-4-of-8.log', undefined, { instance: 'g6e.48xlarge', nodes: 1, gpusPerNode: 4, inside: { path: 'shm' } }],
    [
      'g6e-4-pods.log',
      undefined,
      { instance: 'g6e.48xlarge', nodes: 4, gpusPerNode: 1, between: { transport: 'efa', nicsPerNode: 1 } },
    ],
    [
      'p4d-2-nodes-2.8.log',
      undefined,
      { instance: 'p4d.24xlarge', nodes: 2, gpusPerNode: 8, between: { transport: 'efa-gdr' } },
    ],
    [
      'h100-2-nodes-infiniband.log',
      'dgx-h100',
      {
        instance: 'dgx-h100',
        nodes: 2,
        gpusPerNode: 8,
        inside: { path: 'nvlink' },
        between: { transport: 'infiniband' },
      },
    ],
    [
      'h100-2-nodes-infiniband.log',
      'H100',
      {
        node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8, vcpus: 224, pcieGeneration: 5 },
        nodes: 2,
        gpusPerNode: 8,
        inside: { path: 'nvlink' },
        between: { transport: 'infiniband', nicsPerNode: 8, gbpsPerNic: 400 },
      },
    ],
    [
      'rtx-4090-shm.log',
      'RTX 4090',
      {
        node: { accelerator: 'nvidia-rtx-4090', count: 4, vcpus: 64, pcieGeneration: 4 },
        nodes: 1,
        gpusPerNode: 4,
        inside: { path: 'shm' },
        between: { transport: 'tcp' },
      },
    ],
    [
      'a10-2-nodes-sockets.log',
      'A10',
      {
        node: { accelerator: 'nvidia-a10', count: 1 },
        nodes: 2,
        gpusPerNode: 1,
        between: { transport: 'tcp', nicsPerNode: 1, gbpsPerNic: 25 },
      },
    ],
    [
      'gb200-2-trays.log',
      'GB200',
      {
        node: { accelerator: 'nvidia-gb200-186gb', count: 4 },
        nodes: 2,
        gpusPerNode: 4,
        inside: { path: 'nvlink' },
        between: { transport: 'nvlink' },
      },
    ],
    [
      'mi300x-rccl.log',
      'MI300X',
      {
        node: { accelerator: 'amd-mi300x', count: 8, pcieGeneration: 5 },
        nodes: 1,
        gpusPerNode: 8,
        inside: { path: 'xgmi' },
      },
    ],
    [
      'rtx-3090-pairs.log',
      'RTX 3090',
      {
        node: { accelerator: 'nvidia-rtx-3090', count: 4, pcieGeneration: 4 },
        nodes: 1,
        gpusPerNode: 4,
        inside: { path: 'nvlink' },
      },
    ],
    [
      'v100-cube-2.7.log',
      'V100-32GB',
      {
        node: { accelerator: 'nvidia-v100-sxm2-32gb', count: 8 },
        nodes: 1,
        gpusPerNode: 8,
        inside: { path: 'nvlink' },
      },
    ],
  ] as const)('%s, said to be %s, describes the machine', (name, hardware, description) => {
    const found = imported([name], hardware);
    expect(found.description).toEqual(description);
    expect(found.cluster).toBeDefined();
  });

  it('gives the line and the words of each value', () => {
    const { values } = imported(['g6e-4-of-8.log']);
    const path = values.find(({ key }) => key === 'inside.path');
    const lines = printed('g6e-4-of-8.log').split('\n');
    expect(path?.origin?.path).toBe('g6e-4-of-8.log');
    expect(lines[(path?.origin?.line ?? 0) - 1]?.trim()).toBe(path?.origin?.text);
    expect(path?.origin?.text).toContain('via SHM/direct/direct');
    for (const { origin } of values) expect(origin?.line).toBeGreaterThan(0);
  });

  it('says what a log cannot tell, and does not guess it', () => {
    const found = imported(['h100-2-nodes-infiniband.log']);
    expect(found.description).toBeUndefined();
    expect(valuesOf(found)).toMatchObject({ nodes: 2, gpusPerNode: 8, 'between.transport': 'infiniband' });
    const accelerator = found.unknown.find(({ what }) => what === 'accelerator');
    expect(accelerator?.because).toContain(
      '370.8 GB/s of NVLink would fit nvidia-h100-sxm5-80gb, nvidia-h20-96gb, nvidia-h20-141gb, nvidia-h200-sxm-141gb',
    );
    expect(found.looksLike.map(({ id }) => id)).toEqual(['dgx-h100', 'dgx-h200']);
  });

  it('without its indentation, as slides print it, is read by the order of its lines', () => {
    const slide = printed('p4d-4-of-8.log')
      .split('\n')
      .filter((line) => !line.includes('NET/OFI') && !line.includes(' via '))
      .map((line) => line.replace(/ +/g, ' '))
      .join('\n');
    const found = importedText(slide);
    expect(valuesOf(found)).toMatchObject({ nodes: 1, gpusPerNode: 4, 'inside.path': 'nvlink', 'node.vcpus': 96 });
    expect(found.unknown.find(({ what }) => what === 'accelerator')?.because).toContain(
      '240 GB/s of NVLink would fit nvidia-a100-sxm4-40gb, nvidia-a100-sxm4-80gb',
    );
    expect(found.looksLike.map(({ id }) => id)).toEqual(['p4d.24xlarge', 'p4de.24xlarge']);
    expect(found.looksLike[0]?.agrees).toEqual(['Intel CPU', '4 network cards', '96 vCPUs']);
  });

  it('of which only a part is there says less, and nothing wrong', () => {
    const whole = printed('h100-2-nodes-infiniband.log').split('\n');
    const all = valuesOf(imported(['h100-2-nodes-infiniband.log'], 'H100'));
    for (let lines = 0; lines <= whole.length; lines += 7) {
      const some = valuesOf(importedText(whole.slice(0, lines).join('\n'), 'H100'));
      for (const [key, value] of Object.entries(some)) {
        if (key === 'between.nicsPerNode') expect(value).toBeLessThanOrEqual(8);
        else expect([key, value]).toEqual([key, all[key]]);
      }
    }
  });

  it('of one rank each in files of their own is read as one log', () => {
    const lines = printed('p4d-2-nodes-2.8.log').split('\n');
    const ranks = [...Array(16).keys()].map((rank) =>
      lines.filter((line) => line.startsWith(`[1,${rank}]`)).join('\n'),
    );
    const found = importedText(ranks.join('\n'));
    expect(found.description).toEqual(imported(['p4d-2-nodes-2.8.log']).description);
  });

  it('tells of variables that its run had', () => {
    const messages = imported(['g6e-4-of-8.log']).remarks.map(({ message }) => message);
    expect(messages).toContain('The run had NCCL_P2P_LEVEL=NVL: its paths are those it takes under this variable');
    expect(messages).toContain('The network plug-in switched GPUDirect RDMA off');
  });

  it('of pods asks whether they share a machine', () => {
    expect(
      imported(['g6e-4-pods.log'])
        .remarks.map(({ message }) => message)
        .join(),
    ).toContain('nodesPerMachine');
  });

  it('of EFA cards that the plug-in joins in groups counts the cards, not the groups', () => {
    const lines = (used: number) =>
      [0, 1].flatMap((node) => {
        const prefix = `[default0]:p5-${node}:70:90 [0] NCCL INFO `;
        return [
          `${prefix}NET/OFI Running on p5.48xlarge platform, Setting NCCL_TOPO_FILE environment variable to /proc/self/fd/9`,
          `${prefix}NET/OFI Selected provider is efa, fabric is efa-direct (found 32 nics)`,
          ...Array.from(
            { length: 32 },
            (_, card) => `${prefix}NET/OFI NIC group ${card >> 2} device #${card & 3} 0000:${card}:00.0`,
          ),
          `${prefix}Using network AWS Libfabric`,
          `${prefix}comm 0x1 rank ${node * 8} nRanks 16 nNodes 2 localRanks 8 localRank 0 MNNVL 0`,
          ...Array.from(
            { length: used },
            (_, card) =>
              `${prefix}Channel 0${card}/0 : ${node * 8}[0] -> ${8 - node * 8}[0] [send] via NET/AWS Libfabric/${card}/GDRDMA`,
          ),
        ];
      });
    const all = { instance: 'p5.48xlarge', nodes: 2, gpusPerNode: 8, between: { transport: 'efa-gdr' } };
    expect(importedText(lines(8).join('\n')).description).toEqual(all);
    const half = { ...all, between: { transport: 'efa-gdr', nicsPerNode: 16 } };
    expect(importedText(lines(4).join('\n')).description).toEqual(half);
  });

  it('of a run with groups inside it is sized by the whole run', () => {
    const groups = [0, 1].flatMap((node) =>
      [0, 1].flatMap((rank) => {
        const prefix = `n${node}:${rank}0:5 [${rank}] NCCL INFO `;
        return [
          `${prefix}comm 0xa rank ${rank} nranks 2 cudaDev ${rank} busId 1${rank}000 - Init COMPLETE`,
          `${prefix}comm 0xb rank ${node * 2 + rank} nranks 4 cudaDev ${rank} busId 1${rank}000 - Init COMPLETE`,
          `${prefix}comm 0xc rank ${node} nranks 2 cudaDev ${rank} busId 1${rank}000 - Init COMPLETE`,
          `${prefix}Channel 00 : ${rank}[1${rank}000] -> ${1 - rank}[1${1 - rank}000] via P2P/IPC`,
        ];
      }),
    );
    expect(valuesOf(importedText(groups.join('\n')))).toMatchObject({ nodes: 2, gpusPerNode: 2 });
  });
});
