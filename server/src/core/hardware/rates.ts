import type { HardwareCatalog } from '../catalogs';
import type { Link, LinkKind } from './hardware';
import type { PathRecord } from './records';

const GIGA = 1e9;

export type Rate = Pick<Link, 'bytesPerSecond' | 'low' | 'high' | 'latencySeconds' | 'basis' | 'source'>;

/** What a collective reaches on a wire of this rate, from the record of another wire of the kind. */
export function reached(record: PathRecord | undefined, wire: number): Rate {
  if (record === undefined)
    return {
      bytesPerSecond: wire / 2,
      low: wire / 4,
      high: wire,
      latencySeconds: 20e-6,
      basis: 'assumed',
      source: 'half of the wire',
    };
  const ratio = wire / (record.wire_gb_s * GIGA);
  const scale = ratio > 1 && record.scale_up === false ? 1 : ratio < 1 && record.scale_down === false ? 1 : ratio;
  const most = record.max_share_of_wire === undefined ? Number.POSITIVE_INFINITY : record.max_share_of_wire * wire;
  const rate = (gigabytes: number): number => Math.min(gigabytes * GIGA * scale, most);
  return {
    bytesPerSecond: rate(record.bus_gb_s),
    low: rate(record.low_gb_s),
    high: rate(record.high_gb_s),
    latencySeconds: record.latency_us * 1e-6,
    basis: record.basis,
    source: `${record.id} (${record.basis}; ${record.sources.join(', ')}; ${record.as_of}): ${record.notes ?? ''}`,
  };
}

/** A rate the user measured with nccl-tests (busbw of the whole group), with the band of repeated runs. */
export function given(measured: number, record: PathRecord | undefined): Rate {
  return {
    bytesPerSecond: measured,
    low: measured * 0.9,
    high: measured * 1.1,
    latencySeconds: (record?.latency_us ?? 20) * 1e-6,
    basis: 'given',
    source: 'the cluster description',
  };
}

export interface PathQuery {
  /** Of NVLink inside a node. */
  readonly generation?: number | undefined;
  readonly efaGeneration?: string | undefined;
  readonly scope: 'process' | 'node';
}

/** The record that fits best: the same generation before the general one. */
export function pathRecord(
  catalog: HardwareCatalog,
  path: LinkKind,
  wire: number,
  { generation, efaGeneration, scope }: PathQuery,
): PathRecord | undefined {
  const fits = catalog
    .paths()
    .filter(
      (record) =>
        record.path === path &&
        (record.scope === undefined || record.scope === scope) &&
        (record.link_generation === undefined || record.link_generation === generation) &&
        (record.efa_generation === undefined || record.efa_generation === efaGeneration) &&
        (record.max_wire_gb_s === undefined || wire <= record.max_wire_gb_s * GIGA),
    );
  const exact = fits.find((record) => record.link_generation !== undefined || record.efa_generation !== undefined);
  return exact ?? fits[0];
}

/** A figure read off the usual board is a model of the node at best. */
export function weaker(basis: Link['basis']): Link['basis'] {
  return basis === 'measured' || basis === 'fitted' ? 'modelled' : basis;
}
