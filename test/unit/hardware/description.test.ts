import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCluster } from '../../../server/src/core/hardware/cluster';
import { readDescription } from '../../../server/src/core/hardware/description';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';

const schemaFile = new URL('../../../schemas/cluster.schema.json', import.meta.url);
const validate = new Ajv({ strict: false, strictNumbers: true }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
const catalog = loadHardwareCatalog();

const number = fc.constantFrom<unknown>(1, 2, 4, 8, 16, 0, -1, 1.5, 3, Number.POSITIVE_INFINITY, '4', null, true, []);
const name = fc.constantFrom<unknown>(
  'p4d.24xlarge',
  'g6e.48xlarge',
  'RTX 4090',
  'H100',
  'epyc-7r13',
  'nonsense',
  '',
  5,
  null,
);
const path = fc.constantFrom<unknown>('nvlink', 'xgmi', 'pcie-p2p', 'shm', 'none', 1, null);
const transport = fc.constantFrom<unknown>(
  'efa-gdr',
  'efa',
  'infiniband',
  'roce',
  'tcp',
  'tcpx',
  'nvlink',
  'wifi',
  null,
);
const partly = <T extends Record<string, fc.Arbitrary<unknown>>>(shape: T): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.record(shape, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.json().map(JSON.parse) },
  );
const flag = fc.constantFrom<unknown>(true, false, 1, 'yes', null);
const accelerator = partly({
  name,
  like: name,
  vendor: fc.constantFrom<unknown>('NVIDIA', 'AMD', 'other', 'nvidia', 1),
  architecture: name,
  computeCapability: fc.constantFrom<unknown>('8.9', '12.0', '89', 8.9, ''),
  memoryGiB: number,
  memoryGBps: number,
  peakTflops: partly({ bf16: number, fp16: number, fp32: number, fp8: number }),
  pcieGeneration: number,
  hostLinkGBps: number,
  link: partly({
    path: fc.constantFrom<unknown>('nvlink-switch', 'xgmi', 'shm', 'nvlink'),
    GBps: number,
    domain: number,
  }),
  supports: partly({ bf16: flag, fp8: flag }),
});
const node = partly({
  accelerator: fc.oneof(name, accelerator),
  count: number,
  hostMemoryGiB: number,
  vcpus: number,
  cpu: name,
  sockets: number,
  pcieGeneration: number,
  pcieLanes: number,
  gpusPerUplink: number,
  nvmeGB: number,
  nvmeReadGBps: number,
  nvmeWriteGBps: number,
});
const description = partly({
  name,
  instance: name,
  node,
  nodes: number,
  gpusPerNode: number,
  nodesPerMachine: number,
  cpuThreadsPerProcess: number,
  hostMemoryGiB: number,
  inside: partly({ path, measuredGBps: number }),
  between: partly({ transport, gbpsPerNic: number, nicsPerNode: number, nicsPerProcess: number, measuredGBps: number }),
});

describe('any cluster description', () => {
  it('is read exactly when the schema accepts it', () => {
    fc.assert(
      fc.property(description, (value) => {
        const accepted = validate(value);
        expect('description' in readDescription(value), JSON.stringify(value)).toBe(accepted);
      }),
      { numRuns: 5000, seed: 20261121 },
    );
  });

  it('gives a cluster or a sentence, and never throws', () => {
    fc.assert(
      fc.property(description, number, number, (value, nodes, gpusPerNode) => {
        if (typeof value !== 'object' || value === null) return;
        const flag = (n: unknown): number | undefined => (typeof n === 'number' ? n : undefined);
        const spec = { hardware: { ...value }, nodes: flag(nodes), gpusPerNode: flag(gpusPerNode) };
        const result = buildCluster(spec, { catalog });
        if ('problem' in result) {
          expect(result.problem).toMatch(/^[A-Z`a-z].*\.$/s);
          return;
        }
        const { intra, inter, host } = result.cluster;
        for (const rate of [intra.bytesPerSecond, inter.bytesPerSecond, host.pcieBytesPerSecondPerGpu])
          expect(rate).toBeGreaterThan(0);
        expect(intra.low).toBeLessThanOrEqual(intra.high);
        expect(inter.low).toBeLessThanOrEqual(inter.high);
      }),
      { numRuns: 3000, seed: 20261121 },
    );
  });
});
