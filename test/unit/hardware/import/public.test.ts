import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imported, importedText, printed, valuesOf } from './machine';

/** Each file of test/fixtures/machines that was written after a public one, what the user says it is, and its description. */
const PUBLIC: readonly (readonly [file: string, hardware: string | undefined, description: unknown])[] = [
  [
    'topo-dgx-a100.txt',
    'A100 40GB',
    { node: { accelerator: 'nvidia-a100-sxm4-40gb', count: 8 }, gpusPerNode: 8, inside: { path: 'nvlink' } },
  ],
  [
    'topo-dgx-2.txt',
    'V100 32GB',
    {
      node: { accelerator: 'nvidia-v100-sxm2-32gb', count: 16, vcpus: 96 },
      gpusPerNode: 16,
      inside: { path: 'nvlink' },
    },
  ],
  [
    'topo-5-cards.txt',
    'RTX 4090',
    { node: { accelerator: 'nvidia-rtx-4090', count: 5, vcpus: 32 }, gpusPerNode: 5, inside: { path: 'shm' } },
  ],
  [
    'topo-5090-p2p.txt',
    'RTX 5090',
    { node: { accelerator: 'nvidia-rtx-5090', count: 2, vcpus: 64 }, gpusPerNode: 2, inside: { path: 'shm' } },
  ],
  [
    'topo-6-cards-2019.txt',
    'GTX 1080 Ti',
    { node: { accelerator: 'nvidia-gtx-1080-ti', count: 6, vcpus: 56 }, gpusPerNode: 6, inside: { path: 'shm' } },
  ],
  [
    'topo-h100-nvlink-down.txt',
    'H100',
    {
      node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8, vcpus: 224 },
      gpusPerNode: 8,
      inside: { path: 'shm' },
    },
  ],
  [
    'topo-a100-4-mesh.txt',
    'A100 40GB',
    {
      node: { accelerator: 'nvidia-a100-sxm4-40gb', count: 4, vcpus: 128 },
      gpusPerNode: 4,
      inside: { path: 'nvlink' },
    },
  ],
  [
    'topo-v100-4-mesh.txt',
    'V100',
    {
      node: { accelerator: 'nvidia-v100-sxm2-16gb', count: 4, vcpus: 80 },
      gpusPerNode: 4,
      inside: { path: 'nvlink' },
    },
  ],
  [
    'rocm-topo-pcie.txt',
    'MI210',
    { node: { accelerator: 'amd-mi210', count: 4 }, gpusPerNode: 4, inside: { path: 'shm' } },
  ],
  [
    'topology-mi250x.xml',
    'MI250X',
    {
      node: { accelerator: 'amd-mi250x', count: 8, pcieGeneration: 4, pcieLanes: 16 },
      gpusPerNode: 8,
      inside: { path: 'xgmi' },
    },
  ],
  [
    'topology-mi350x.xml',
    undefined,
    {
      node: { accelerator: 'amd-mi350x', count: 8, pcieGeneration: 5, pcieLanes: 16 },
      gpusPerNode: 8,
      inside: { path: 'xgmi' },
      between: { transport: 'roce', nicsPerNode: 8, gbpsPerNic: 400 },
    },
  ],
  ['topology-azure-ndv5.xml', 'ND96isr_H100_v5', { instance: 'Standard_ND96isr_H100_v5', gpusPerNode: 8 }],
  [
    'rtx-4090-8-switches.log',
    'RTX 4090',
    {
      node: { accelerator: 'nvidia-rtx-4090', count: 8, vcpus: 128, pcieGeneration: 4 },
      nodes: 1,
      gpusPerNode: 8,
      inside: { path: 'shm' },
      between: { transport: 'tcp' },
    },
  ],
  [
    'h200-vm-2-nodes.log',
    'H200',
    {
      node: { accelerator: 'nvidia-h200-sxm-141gb', count: 8 },
      nodes: 2,
      gpusPerNode: 8,
      inside: { path: 'nvlink' },
      between: { transport: 'infiniband', nicsPerNode: 8, gbpsPerNic: 400 },
    },
  ],
  [
    'a100-pcie-2-nodes.log',
    undefined,
    {
      node: { accelerator: 'nvidia-a100-pcie-40gb', count: 1, pcieGeneration: 4 },
      nodes: 2,
      gpusPerNode: 1,
      between: { transport: 'infiniband', nicsPerNode: 1, gbpsPerNic: 200 },
    },
  ],
  [
    'h800-dev-nodes.log',
    undefined,
    {
      node: { accelerator: 'nvidia-h800-sxm5-80gb', count: 8, vcpus: 192, pcieGeneration: 5 },
      nodes: 1,
      gpusPerNode: 8,
      inside: { path: 'nvlink' },
    },
  ],
  [
    'hgx-a100-2.8-no-verbs.log',
    'A100 80GB',
    {
      node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 8, pcieGeneration: 4 },
      nodes: 1,
      gpusPerNode: 8,
      inside: { path: 'nvlink' },
      between: { transport: 'tcp' },
    },
  ],
  [
    'gh200-2-nodes.log',
    'GH200',
    {
      node: { accelerator: 'nvidia-gh200-96gb', count: 1, vcpus: 72 },
      nodes: 2,
      gpusPerNode: 1,
      between: { transport: 'infiniband', nicsPerNode: 1, gbpsPerNic: 400 },
    },
  ],
  [
    'h20-2-of-8-2-nodes.log',
    'H20',
    {
      node: { accelerator: 'nvidia-h20-96gb', count: 2 },
      nodes: 2,
      gpusPerNode: 2,
      between: { transport: 'rdma-host', nicsPerNode: 2 },
    },
  ],
];

describe('an output seen in public', () => {
  it.each(PUBLIC)('%s, said to be %s, describes the machine', (file, hardware, description) => {
    const found = imported([file], hardware);
    expect(found.description).toEqual(description);
    expect(found.cluster).toBeDefined();
    const lines = printed(file).split('\n');
    for (const { origin, key } of found.values) {
      const words = lines[(origin?.line ?? 0) - 1]?.replace(/\s+/g, ' ').trim() ?? '';
      if (origin) expect(words, key).toContain(origin.text.slice(0, 60));
    }
  });

  it.each(PUBLIC)('%s cut anywhere says less, and nothing that is not so', (file, hardware) => {
    const lines = printed(file).split('\n');
    const whole = valuesOf(imported([file], hardware));
    // A count grows with what was read, and so does the machine that it is compared with.
    const counts = /count|gpusPerNode|vcpus|nodes/;
    for (let kept = 0; kept <= lines.length; kept += Math.max(1, Math.floor(lines.length / 15))) {
      const some = importedText(lines.slice(0, kept).join('\n'), hardware);
      for (const [key, value] of Object.entries(valuesOf(some))) {
        // Before its channels a log does not show which path and which of the cards the run takes.
        if (/^inside.path|^between.(transport|nicsPerNode)/.test(key)) continue;
        if (counts.test(key)) expect(Number(value), key).toBeLessThanOrEqual(Number(whole[key] ?? value));
        else if (whole[key] !== undefined) expect([key, value]).toEqual([key, whole[key]]);
      }
    }
  });

  it.each(PUBLIC.filter(([file]) => file.endsWith('.log')))(
    '%s with its ranks mixed line by line is the same machine',
    (file, hardware, description) => {
      const lines = printed(file).split('\n');
      const byThread = new Map<string, string[]>();
      for (const line of lines) {
        const thread = /^\S+:\d+:\d+/.exec(line)?.[0] ?? '';
        byThread.set(thread, [...(byThread.get(thread) ?? []), line]);
      }
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat()), (stream) => {
          const rest = [...byThread.values()].map((own) => [...own]);
          const mixed: string[] = [];
          while (rest.some((own) => own.length > 0)) {
            const open = rest.filter((own) => own.length > 0);
            const next = open[(stream.next().value ?? 0) % open.length]?.shift();
            if (next !== undefined) mixed.push(next);
          }
          expect(importedText(mixed.join('\n'), hardware).description).toEqual(description);
        }),
        { numRuns: 5, seed: 20261121 },
      );
    },
  );

  it('is remarked on where it shows a fault', () => {
    const remarks = (file: string, hardware: string) =>
      imported([file], hardware).remarks.map(({ message }) => message);
    expect(remarks('topo-h100-nvlink-down.txt', 'H100')).toEqual([
      'H100 (SXM5) comes with NVLink, and none was read: its links or the fabric manager may be down',
    ]);
    expect(remarks('topo-h100-nvlink-down.txt', 'H100-PCIe')).toEqual([]);
    expect(remarks('hgx-a100-2.8-no-verbs.log', 'A100 80GB')).toEqual([
      'NCCL found no libibverbs, so it could not use InfiniBand or RoCE cards',
    ]);
  });

  it('names the chips of an architecture where no line names the chip', () => {
    expect(imported(['topology-mi250x.xml']).unknown[0]?.because).toMatch(/^CDNA2 would fit amd-mi210, amd-mi250x;/);
    expect(importedText(printed('h800-dev-nodes.log').replaceAll('10de2324', '10de2339')).unknown[0]?.because).toBe(
      'PCI device 10de:2339 is not in the catalog',
    );
  });
});
