import type { Accelerator } from './hardware';
import type { AcceleratorRecord } from './records';

const GIB = 2 ** 30;
const GIGA = 1e9;
const TERA = 1e12;
const FORMATS = ['fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp4'] as const;

/** A catalog record in bytes and FLOP/s. */
export function acceleratorOf(record: AcceleratorRecord): Accelerator {
  const share = record.device_share ?? 1;
  const peak = (format: (typeof FORMATS)[number]): number | null => {
    const tflops = record.peak_tflops_dense[format];
    return tflops === null || tflops === undefined ? null : tflops * TERA * share;
  };
  const measured = record.measured_matmul_tflops?.bf16;
  return {
    id: record.id,
    name: record.name,
    vendor: record.vendor,
    architecture: record.architecture,
    computeCapability: record.compute_capability,
    role: record.role,
    memoryBytes: usableMemory(record),
    memoryBytesPerSecond: (record.memory.bandwidth_gb_s ?? 0) * GIGA * share,
    peakFlops: {
      fp32: peak('fp32'),
      tf32: peak('tf32'),
      fp16: peak('fp16'),
      bf16: peak('bf16'),
      fp8: peak('fp8'),
      fp4: peak('fp4'),
    },
    measuredBf16Flops: measured === undefined ? undefined : measured * TERA * share,
    supports: supported(record),
    pcieBytesPerSecond: record.pcie === undefined ? undefined : record.pcie.unidirectional_gb_s * GIGA,
    pcieGeneration: record.pcie?.gen,
    hostLinkBytesPerSecond: record.host_link === undefined ? undefined : record.host_link.unidirectional_gb_s * GIGA,
    formFactor: record.form_factor,
    neuronCores: record.neuron_cores && {
      physical: record.neuron_cores.physical,
      perLogical: record.neuron_cores.per_logical,
    },
    link: {
      path: record.link.path,
      generation: record.link.generation,
      bytesPerSecond: bytes(record.link.unidirectional_gb_s),
      maxDomain: record.link.max_domain_gpus,
    },
    asOf: record.as_of,
    sources: record.sources,
    confidence: record.confidence ?? 'low',
    notes: record.notes,
  };
}

/** A share of an accelerator, as sold in slices: memory, rates and compute in proportion. */
export function sliceOf(accelerator: Accelerator, share: number): Accelerator {
  const { peakFlops: peak, measuredBf16Flops: measured } = accelerator;
  const part = (flops: number | null): number | null => (flops === null ? null : flops * share);
  return {
    ...accelerator,
    name: `${accelerator.name} (1/${Math.round(1 / share)})`,
    memoryBytes: accelerator.memoryBytes * share,
    memoryBytesPerSecond: accelerator.memoryBytesPerSecond * share,
    peakFlops: {
      fp32: part(peak.fp32),
      tf32: part(peak.tf32),
      fp16: part(peak.fp16),
      bf16: part(peak.bf16),
      fp8: part(peak.fp8),
      fp4: part(peak.fp4),
    },
    measuredBf16Flops: measured === undefined ? undefined : measured * share,
  };
}

/**
 * What torch reports as total memory. Where only the driver's total is known, 0.6 GiB less: that is the middle of the
 * differences seen on other cards (0.3-0.9 GiB). Where only the name plate is known, its decimal gigabytes.
 */
function usableMemory({ memory }: AcceleratorRecord): number {
  const torch = memory.framework_total_gib ?? undefined;
  if (torch !== undefined) return torch * GIB;
  const driver = memory.smi_total_gib ?? undefined;
  return driver === undefined ? memory.marketing_gb * GIGA : (driver - 0.6) * GIB;
}

function supported(record: AcceleratorRecord): Readonly<Record<string, boolean | string | undefined>> {
  return Object.fromEntries(Object.entries(record.supports).map(([name, value]) => [name, value ?? undefined]));
}

function bytes(gigabytes: number | null | undefined): number | undefined {
  return gigabytes === null || gigabytes === undefined ? undefined : gigabytes * GIGA;
}
