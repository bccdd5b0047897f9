import { describe, expect, it } from 'vitest';
import { processorMilliseconds } from '../../../processor-time';
import { imported, importedText, printed, valuesOf } from './machine';

describe('output of a machine’s tools', () => {
  it.each([
    [['smi-h100.txt'], undefined, { node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8 }, gpusPerNode: 8 }],
    [
      ['smi-h100.txt', 'topo-h100.txt', 'meminfo.txt'],
      undefined,
      {
        node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8, hostMemoryGiB: 1510.5, vcpus: 224 },
        gpusPerNode: 8,
        inside: { path: 'nvlink' },
      },
    ],
    [['smi-a100-cut.txt'], undefined, { node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 4 }, gpusPerNode: 4 }],
    [
      ['query-4090.csv'],
      undefined,
      { node: { accelerator: 'nvidia-rtx-4090', count: 2, pcieGeneration: 4, pcieLanes: 8 }, gpusPerNode: 2 },
    ],
    [
      ['smi-q-l40s.txt', 'topo-p2p.txt'],
      undefined,
      {
        node: { accelerator: 'nvidia-l40s', count: 2, pcieGeneration: 4, pcieLanes: 16 },
        gpusPerNode: 2,
        inside: { path: 'shm' },
      },
    ],
    [
      ['topo-l40s.txt', 'lscpu-epyc.txt', 'meminfo.txt'],
      'L40S',
      {
        node: {
          accelerator: 'nvidia-l40s',
          count: 4,
          hostMemoryGiB: 1510.5,
          vcpus: 192,
          cpu: 'epyc-7r13',
          sockets: 2,
        },
        gpusPerNode: 4,
        inside: { path: 'shm' },
      },
    ],
    [
      ['topo-3090-pairs.txt'],
      'RTX 3090',
      { node: { accelerator: 'nvidia-rtx-3090', count: 4, vcpus: 64 }, gpusPerNode: 4, inside: { path: 'nvlink' } },
    ],
    [
      ['rocm-topo-mi300x.txt', 'rocm-product-mi300x.txt'],
      undefined,
      { node: { accelerator: 'amd-mi300x', count: 8 }, gpusPerNode: 8, inside: { path: 'xgmi' } },
    ],
    [['neuron-trn2.json'], undefined, { instance: 'trn2.48xlarge', gpusPerNode: 64 }],
    [['neuron-trn1.txt'], undefined, { instance: 'trn1.32xlarge', gpusPerNode: 32 }],
    [
      ['topology-h100.xml'],
      undefined,
      {
        node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8, pcieGeneration: 5, pcieLanes: 16 },
        gpusPerNode: 8,
        inside: { path: 'nvlink' },
        between: { transport: 'infiniband', nicsPerNode: 8, gbpsPerNic: 400 },
      },
    ],
  ] as const)('%j, said to be %s, describes it', (names, hardware, description) => {
    const found = imported(names, hardware);
    expect(found.description).toEqual(description);
    expect(found.cluster).toBeDefined();
    expect(found.files.every(({ formats }) => formats.length > 0)).toBe(true);
  });

  it('and a log of a run on part of the machine go together', () => {
    const { description } = imported(['smi-h100.txt', 'topo-h100.txt', 'h100-2-nodes-infiniband.log']);
    expect(description).toMatchObject({
      node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8 },
      nodes: 2,
      gpusPerNode: 8,
      between: { transport: 'infiniband', nicsPerNode: 8, gbpsPerNic: 400 },
    });
  });

  it('in one file, one after the other, is told apart by content', () => {
    const all = ['smi-h100.txt', 'topo-h100.txt', 'meminfo.txt', 'lscpu-epyc.txt'].map(printed).join('\n');
    const [file] = importedText(all).files;
    expect(file?.formats).toEqual(['nvidia-smi', 'nvidia-smi topo -m', 'lscpu', '/proc/meminfo']);
  });

  it('names the nearest GPUs where the catalog does not have it', () => {
    const found = imported(['query-l2.csv']);
    expect(found.description).toBeUndefined();
    expect(found.unknown[0]).toMatchObject({ what: 'accelerator' });
    expect(found.unknown[0]?.because).toMatch(/^NVIDIA L2 with 22 GiB is not in the catalog; the nearest there: /);
  });

  it('names the PCI device of a topology where the catalog does not have it', () => {
    const found = importedText(printed('topology-h100.xml').replaceAll('0x2330', '0x2339'));
    expect(found.description).toBeUndefined();
    expect(found.unknown[0]?.because).toBe('PCI device 10de:2339 is not in the catalog');
    expect(found.looksLike).toEqual([]);
  });

  it('does not take a card for its namesake with another memory', () => {
    const found = importedText('name, memory.total [MiB]\nNVIDIA H100 80GB HBM3, 65247 MiB\n');
    expect(found.description).toBeUndefined();
    expect(found.unknown[0]?.because).toContain('with 64 GiB is not in the catalog');
  });

  it('suggests the machines of the catalog that agree, as a suggestion', () => {
    const found = imported(['smi-h100.txt', 'topo-h100.txt']);
    expect(found.looksLike.map(({ id, agrees }) => [id, ...agrees])).toEqual([
      ['dgx-h100', '8 GPUs', '8 network cards', '224 vCPUs'],
    ]);
    expect(valuesOf(found)).not.toHaveProperty('instance');
  });

  it('with MIG on describes no whole GPUs', () => {
    const found = importedText('name, memory.total [MiB], mig.mode.current\nNVIDIA H200, 143771 MiB, Enabled\n');
    expect(found.description).toBeUndefined();
    expect(found.remarks.map(({ message }) => message).join()).toContain('MIG is on');
  });

  it('says where two files disagree', () => {
    const found = imported(['smi-h100.txt', 'query-4090.csv']);
    expect(found.remarks.map(({ message }) => message).join()).toContain(
      'The GPU is NVIDIA GeForce RTX 4090 in one file',
    );
  });
});

describe('a text of no such tool', () => {
  it.each([
    '',
    '\n\n',
    'hello',
    '{',
    '[1, 2]',
    '<system',
    '<system version="1"><cpu><pci class="0x03',
    'GPU0',
    '\u0000',
  ])('%j is not recognised, and nothing throws', (text) => {
    const { files, description } = importedText(text);
    expect(files[0]?.formats.filter((format) => format !== 'NCCL topology XML')).toEqual([]);
    expect(description).toBeUndefined();
  });

  it('of any bytes never throws, however the outputs are cut and mixed', () => {
    const names = [
      'p4d-4-of-8.log',
      'topo-h100.txt',
      'smi-q-l40s.txt',
      'rocm-topo-mi300x.txt',
      'topology-h100.xml',
      'neuron-trn1.txt',
      'query-4090.csv',
      'smi-h100.txt',
    ];
    const texts = names.map(printed);
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: 4 }, () => {
        const text = texts[random(texts.length)] ?? '';
        const start = random(text.length);
        return text.slice(start, start + random(3000));
      });
      expect(() => importedText(parts.join(random(2) ? '\n' : ''))).not.toThrow();
    }
  });

  it('of 30 MB takes time in proportion to its length', () => {
    const time = (copies: number) => {
      const text = printed('p4d-4-of-8.log').repeat(copies);
      return processorMilliseconds(() => importedText(text));
    };
    time(100);
    const small = time(500);
    expect(time(2500)).toBeLessThan(Math.max(20 * small, 500));
  });
});
