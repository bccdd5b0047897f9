import { describe, expect, it } from 'vitest';
import { linkIfUsed } from '../../../../server/src/core/estimate/time/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { cluster } from './clusters';
import { decoder, LLAMA_3_8B, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);

/** Dimension, ranks and verdict; the words where they matter. */
type Row = readonly [
  dimension: 'tensor' | 'context' | 'expert' | 'shard' | 'data' | 'pipeline',
  ranks: number,
  verdict: 'good' | 'caution' | 'bad',
  label?: string,
];

const H100_NVL = {
  node: { accelerator: 'H100 NVL', count: 8 },
  inside: { path: 'nvlink' },
  between: { transport: 'infiniband', gbpsPerNic: 400, nicsPerNode: 8 },
};
const GB200 = { instance: 'p6e-gb200.36xlarge', between: { transport: 'nvlink' } };

/** One machine of each class of link in the interconnect reference (§1), two nodes or more of it. */
const MACHINES: readonly (readonly [string, Cluster, readonly Row[]])[] = [
  [
    'NVSwitch, EFA v1 with GPUDirect RDMA',
    cluster('p4d.24xlarge', { nodes: 4 }),
    [
      ['tensor', 8, 'good', 'NVSwitch 300 GB/s: good'],
      ['tensor', 16, 'bad', 'crosses nodes, 37.5 GB/s: 6.2× slower'],
      ['expert', 8, 'good'],
      ['expert', 16, 'bad'],
      ['context', 16, 'caution'],
      ['shard', 32, 'caution'],
      ['data', 32, 'good', 'crosses nodes, EFA 6.25 GB/s per GPU, GPUDirect RDMA: good'],
      ['pipeline', 4, 'good', 'crosses nodes, EFA 6.25 GB/s per GPU, GPUDirect RDMA: good'],
    ],
  ],
  [
    'NVSwitch, EFA v2 with GPUDirect RDMA',
    cluster('p5.48xlarge', { nodes: 4 }),
    [
      ['tensor', 8, 'good'],
      ['tensor', 16, 'bad'],
      ['expert', 16, 'caution'],
      ['context', 16, 'good'],
      ['shard', 32, 'good'],
      ['data', 32, 'good'],
    ],
  ],
  [
    'NVSwitch, EFA v4 with GPUDirect RDMA, more than four nodes',
    cluster('p6-b300.48xlarge', { nodes: 8 }),
    [
      ['expert', 32, 'caution'],
      ['expert', 64, 'bad'],
      ['shard', 64, 'good', 'crosses nodes, EFA 100 GB/s per GPU, GPUDirect RDMA: good'],
    ],
  ],
  [
    'NVSwitch, InfiniBand',
    cluster('dgx-h100', { nodes: 4 }),
    [
      ['tensor', 16, 'bad', 'crosses nodes, InfiniBand 50 GB/s per GPU: bad'],
      ['shard', 32, 'good'],
      ['expert', 16, 'caution'],
    ],
  ],
  [
    'NVSwitch, RoCE',
    cluster('a3-ultragpu-8g', { nodes: 4 }),
    [
      ['tensor', 8, 'good'],
      ['expert', 16, 'caution'],
      ['shard', 32, 'good', 'crosses nodes, RoCE 50 GB/s per GPU: good'],
    ],
  ],
  [
    'NVSwitch, GPUDirect-TCPX',
    cluster('a3-highgpu-8g', { nodes: 4 }),
    [
      ['tensor', 8, 'good'],
      ['tensor', 16, 'bad'],
      ['expert', 16, 'bad'],
      ['shard', 32, 'caution', 'crosses nodes, 60 GB/s: 6.0× slower (rate assumed)'],
      ['data', 32, 'good', 'crosses nodes, GPUDirect-TCPX 12.5 GB/s per GPU: good (rate assumed)'],
    ],
  ],
  [
    'NVSwitch, TCP',
    cluster({ instance: 'p5.48xlarge', between: { transport: 'tcp', nicsPerNode: 1 } }, { nodes: 4 }),
    [
      ['tensor', 8, 'good'],
      ['shard', 32, 'bad'],
      ['data', 32, 'bad'],
      ['pipeline', 4, 'caution'],
    ],
  ],
  [
    'hybrid cube mesh of NVLink 2, EFA without GPUDirect RDMA',
    cluster('p3dn.24xlarge', { nodes: 2 }),
    [
      ['tensor', 2, 'caution', 'NVLink mesh 50 GB/s (2 of 8 GPUs): caution'],
      ['tensor', 4, 'good', 'NVLink mesh 100 GB/s (4 of 8 GPUs): good'],
      ['tensor', 8, 'caution', 'NVLink mesh 150 GB/s: caution'],
      ['tensor', 16, 'bad'],
      ['shard', 16, 'bad'],
    ],
  ],
  [
    'four GPUs meshed without switch',
    cluster('hgx-h100-4gpu'),
    [
      ['tensor', 4, 'good', 'NVLink mesh 450 GB/s: good'],
      ['tensor', 2, 'caution', 'NVLink mesh 150 GB/s (2 of 4 GPUs): caution'],
    ],
  ],
  [
    'bridged pair of slower chips',
    cluster('workstation-2x-rtx-3090-nvlink'),
    [
      ['tensor', 2, 'good', 'NVLink bridge 56.3 GB/s: good'],
      ['shard', 2, 'good'],
    ],
  ],
  [
    'bridged pairs in a node of eight, InfiniBand',
    cluster(H100_NVL, { nodes: 2 }),
    [
      ['tensor', 2, 'good', 'NVLink bridge 300 GB/s: good'],
      ['tensor', 4, 'bad', 'wider than the NVLink bridge 300 GB/s, PCIe without peer-to-peer (SHM), 8 GB/s: bad'],
      ['expert', 8, 'bad'],
      // The path inside is the slower one: the network does not mend it.
      ['shard', 16, 'caution'],
      ['context', 16, 'caution'],
    ],
  ],
  [
    'PCIe with peer-to-peer',
    cluster('g7e.48xlarge', { nodes: 2 }),
    [
      ['tensor', 2, 'caution', 'PCIe Gen5 peer-to-peer 63 GB/s: caution (rate assumed)'],
      ['tensor', 4, 'bad'],
      ['shard', 8, 'good'],
      ['data', 16, 'good'],
    ],
  ],
  [
    'PCIe through host memory, EFA without GPUDirect RDMA',
    cluster('g6e.48xlarge', { nodes: 2 }),
    [
      ['tensor', 2, 'bad', 'PCIe without peer-to-peer (SHM), 8 GB/s: bad'],
      ['expert', 8, 'bad'],
      ['context', 8, 'caution'],
      ['shard', 8, 'caution'],
      ['shard', 16, 'bad', 'crosses nodes, 3 GB/s: 2.7× slower'],
      ['data', 8, 'good'],
      ['data', 16, 'bad'],
    ],
  ],
  [
    'PCIe where peer-to-peer is not known',
    cluster('8x L40S'),
    [['tensor', 2, 'bad', 'PCIe, peer-to-peer not known (SHM assumed), 8 GB/s: bad (rate assumed)']],
  ],
  [
    'rack of NVLink without IMEX',
    cluster('p6e-gb200.36xlarge', { nodes: 4 }),
    [
      ['tensor', 4, 'good'],
      ['tensor', 8, 'bad'],
      ['shard', 16, 'good'],
    ],
  ],
  [
    'rack of NVLink with IMEX',
    cluster(GB200, { nodes: 18 }),
    [
      ['tensor', 8, 'good', 'NVLink rack 900 GB/s: good'],
      ['tensor', 72, 'good'],
      ['expert', 72, 'good'],
      ['shard', 72, 'good', 'NVLink rack 900 GB/s: good'],
    ],
  ],
  [
    'two racks of NVLink, joined by EFA',
    cluster(GB200, { nodes: 36 }),
    [
      ['expert', 72, 'good'],
      ['shard', 144, 'good', 'crosses nodes, EFA 50 GB/s per GPU, GPUDirect RDMA: good'],
    ],
  ],
  [
    'mesh of xGMI, RoCE',
    cluster('mi300x-platform-8', { nodes: 4 }),
    [
      ['tensor', 2, 'caution', 'xGMI 64 GB/s (2 of 8 GPUs): caution'],
      ['tensor', 4, 'bad', 'xGMI 192 GB/s (4 of 8 GPUs): bad'],
      ['tensor', 8, 'good', 'xGMI 448 GB/s: good'],
      ['shard', 32, 'good'],
    ],
  ],
  [
    'Gaudi: Ethernet on the chip',
    cluster('gaudi2-hls2', { nodes: 4 }),
    [
      ['tensor', 8, 'good', 'RoCE on chip 263 GB/s: good (rate assumed)'],
      ['tensor', 16, 'bad'],
      ['shard', 32, 'caution'],
    ],
  ],
  [
    'NeuronLink torus, EFA',
    cluster('trn2.48xlarge', { nodes: 2 }),
    [
      ['tensor', 16, 'good', 'NeuronLink 512 GB/s: good (rate assumed)'],
      ['tensor', 64, 'good'],
      ['tensor', 128, 'bad'],
      ['shard', 128, 'caution'],
    ],
  ],
  ['UltraServer of four NeuronLink nodes', cluster('u-trn2x64'), [['tensor', 256, 'good']]],
  ['TPU torus', cluster('8x TPU v5p'), [['tensor', 8, 'good', 'ICI 600 GB/s: good (rate assumed)']]],
];

describe.each(MACHINES)('on %s', (_, on, rows) => {
  it.each(rows.map((row) => ({ row, name: row.slice(0, 3).join(' ') })))('$name', ({ row }) => {
    const [dimension, ranks, verdict, label] = row;
    const found = linkIfUsed(run({ model, cluster: on, sharding: zero(1) }), dimension, ranks);
    expect(found?.verdict, found?.label).toBe(verdict);
    if (label !== undefined) expect(found?.label).toBe(label);
    const most = on.nodes * on.gpusPerNode;
    expect(ranks).toBeLessThanOrEqual(most);
  });
});
