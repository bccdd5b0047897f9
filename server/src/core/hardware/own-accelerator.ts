import type { HardwareCatalog } from '../catalogs';
import type { Accelerator } from './hardware';
import type { PlainRecord } from './plain-record';

/** An accelerator that the catalog does not have, or one that differs from a record of it. Figures as written, one direction. */
export interface AcceleratorDescription {
  /** The catalog record that it is like: everything not said here is taken from there. */
  readonly like: string | undefined;
  readonly name: string;
  readonly vendor: string | undefined;
  readonly architecture: string | undefined;
  readonly computeCapability: string | undefined;
  readonly memoryGiB: number | undefined;
  readonly memoryGBps: number | undefined;
  readonly peakTflops: Readonly<Partial<Record<Format, number>>>;
  readonly pcieGeneration: 3 | 4 | 5 | 6 | undefined;
  readonly hostLinkGBps: number | undefined;
  readonly link: {
    readonly path: (typeof LINKS)[number] | undefined;
    readonly gbps: number | undefined;
    readonly domain: number | undefined;
  };
  readonly supports: Readonly<Partial<Record<(typeof SUPPORTS)[number], boolean>>>;
}

const FORMATS = ['fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp4'] as const;
type Format = (typeof FORMATS)[number];
const LINKS = ['nvlink-switch', 'nvlink-mesh', 'nvlink-bridge', 'xgmi', 'pcie-p2p', 'shm'] as const;
const SUPPORTS = ['bf16', 'tf32', 'fp8', 'fp4', 'flash_attention_2', 'flash_attention_3', 'gpudirect_p2p'] as const;
const VENDORS = ['NVIDIA', 'AMD', 'Intel', 'AWS', 'Google', 'other'] as const;
const GENERATIONS = [3, 4, 5, 6] as const;
const NAMING = ['like', 'name', 'vendor', 'architecture', 'computeCapability'];

/** All keys of an own accelerator, as schemas/cluster.schema.json has them. */
export const ACCELERATOR_KEYS: readonly string[] = [
  ...NAMING,
  ...['memoryGiB', 'memoryGBps', 'peakTflops', 'pcieGeneration', 'hostLinkGBps', 'link', 'supports'],
];

const GIB = 2 ** 30;
const GIGA = 1e9;
const TERA = 1e12;

/** Reads it; without `like` the figures that every estimate needs must be there. */
export function readAccelerator(record: PlainRecord): AcceleratorDescription {
  const peak = record.section('peakTflops', FORMATS);
  const link = record.section('link', ['path', 'GBps', 'domain']);
  const supports = record.section('supports', SUPPORTS);
  const like = record.text('like');
  const description: AcceleratorDescription = {
    like,
    name: record.text('name') ?? '',
    vendor: record.oneOf('vendor', VENDORS),
    architecture: record.text('architecture'),
    computeCapability: capabilityOf(record),
    memoryGiB: record.positive('memoryGiB'),
    memoryGBps: record.positive('memoryGBps'),
    peakTflops: given(FORMATS, (format) => peak.positive(format)),
    pcieGeneration: record.oneOf('pcieGeneration', GENERATIONS),
    hostLinkGBps: record.positive('hostLinkGBps'),
    link: { path: link.oneOf('path', LINKS), gbps: link.positive('GBps'), domain: link.whole('domain') },
    supports: given(SUPPORTS, (name) => supports.flag(name)),
  };
  if (description.name === '') record.complain('', 'The own accelerator has no `name`.');
  if (like === undefined) demand(record, description);
  return description;
}

function demand(record: PlainRecord, { memoryGiB, memoryGBps, peakTflops }: AcceleratorDescription): void {
  const missing = [
    memoryGiB === undefined ? '`memoryGiB`' : '',
    memoryGBps === undefined ? '`memoryGBps`' : '',
    peakTflops.bf16 === undefined && peakTflops.fp16 === undefined && peakTflops.fp32 === undefined
      ? '`peakTflops` with bf16, fp16 or fp32'
      : '',
  ].filter((key) => key !== '');
  if (missing.length === 0) return;
  record.complain(
    '',
    `The own accelerator lacks ${missing.join(', ')}; \`like\` takes what is not said from a record of the catalog.`,
  );
}

function capabilityOf(record: PlainRecord): string | undefined {
  const value = record.text('computeCapability');
  if (value === undefined || /^\d{1,2}\.\d$/.test(value)) return value;
  return record.complain('computeCapability', `\`computeCapability\` is "${value}", where one like "8.9" is expected.`);
}

function given<K extends string, T>(keys: readonly K[], read: (key: K) => T | undefined): Partial<Record<K, T>> {
  const found: Partial<Record<K, T>> = {};
  for (const key of keys) {
    const value = read(key);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

/** Where the figures of an own accelerator come from, for everything that shows sources. */
export const OWN_RECORD = 'own record';

/** The accelerator as the estimates take it. What nobody says stays unknown; a peak that is not given is not there. */
export function ownAccelerator(
  given: AcceleratorDescription,
  catalog: HardwareCatalog,
): { readonly accelerator: Accelerator } | { readonly problem: string; readonly nearest: readonly string[] } {
  const { like } = given;
  const base = like === undefined ? undefined : catalog.resolve(like)?.accelerator;
  if (like !== undefined && base === undefined)
    return { problem: `No accelerator is called "${like}".`, nearest: catalog.nearest(like, 3) };
  return { accelerator: { ...described(given, base), link: linkOf(given, base) } };
}

function described(given: AcceleratorDescription, base: Accelerator | undefined): Omit<Accelerator, 'link'> {
  const peak = (format: Format): number | null => {
    const tflops = given.peakTflops[format];
    return tflops === undefined ? (base?.peakFlops[format] ?? null) : tflops * TERA;
  };
  const { memoryGiB, memoryGBps, hostLinkGBps, pcieGeneration } = given;
  return {
    // Rates fitted on a chip hold for its kin.
    id: base?.id ?? `own-${given.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`,
    name: given.name,
    vendor: given.vendor ?? base?.vendor ?? (given.computeCapability === undefined ? 'not said' : 'NVIDIA'),
    architecture: given.architecture ?? base?.architecture ?? 'not said',
    computeCapability: given.computeCapability ?? base?.computeCapability,
    role: base?.role ?? 'training',
    memoryBytes: memoryGiB === undefined ? (base?.memoryBytes ?? 0) : memoryGiB * GIB,
    memoryBytesPerSecond: memoryGBps === undefined ? (base?.memoryBytesPerSecond ?? 0) : memoryGBps * GIGA,
    peakFlops: {
      fp32: peak('fp32'),
      tf32: peak('tf32'),
      fp16: peak('fp16'),
      bf16: peak('bf16'),
      fp8: peak('fp8'),
      fp4: peak('fp4'),
    },
    measuredBf16Flops: given.peakTflops.bf16 === undefined ? base?.measuredBf16Flops : undefined,
    supports: { ...base?.supports, ...given.supports },
    pcieBytesPerSecond: pcieGeneration === undefined ? base?.pcieBytesPerSecond : 15.75e9 * 2 ** (pcieGeneration - 3),
    pcieGeneration: pcieGeneration ?? base?.pcieGeneration,
    hostLinkBytesPerSecond: hostLinkGBps === undefined ? base?.hostLinkBytesPerSecond : hostLinkGBps * GIGA,
    formFactor: base?.formFactor ?? 'not said',
    // An own record describes what the framework sees as one device.
    neuronCores: undefined,
    asOf: base?.asOf ?? '',
    sources: [OWN_RECORD, ...(base?.sources ?? [])],
    confidence: base === undefined ? OWN_RECORD : base.confidence,
    notes: undefined,
  };
}

/** Without a word about links, GPUs meet over PCIe, and whether directly is not known. */
function linkOf({ link }: AcceleratorDescription, base: Accelerator | undefined): Accelerator['link'] {
  const path = link.path ?? base?.link.path ?? 'shm';
  const hasOwn = path === 'pcie-p2p' || path === 'shm';
  return {
    path,
    generation: link.gbps === undefined ? base?.link.generation : undefined,
    bytesPerSecond: hasOwn ? undefined : link.gbps === undefined ? base?.link.bytesPerSecond : link.gbps * GIGA,
    maxDomain:
      link.domain ?? (link.path === undefined ? (base?.link.maxDomain ?? 1) : path === 'nvlink-bridge' ? 2 : 8),
  };
}
