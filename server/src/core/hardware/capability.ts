import type { Accelerator } from './hardware';

/** Whether an accelerator can do something; `undefined` is "not known", and `because` says why in each case. */
export interface Capability {
  readonly supported: boolean | undefined;
  readonly because: string;
}

/** Hardware bf16 matrix products. */
export function supportsBf16(accelerator: Accelerator): Capability {
  return capability(accelerator, 'bf16', {
    missing: 'bf16 needs Ampere (8.0) or newer',
  });
}

/** Hardware TF32 matrix products. */
export function supportsTf32(accelerator: Accelerator): Capability {
  return capability(accelerator, 'tf32', { missing: 'TF32 needs Ampere (8.0) or newer' });
}

/** Hardware fp8 matrix products: Ada, Hopper, Blackwell, MI300 and newer, Gaudi2 and newer, Trainium2 and newer. */
export function supportsFp8(accelerator: Accelerator): Capability {
  return capability(accelerator, 'fp8', { missing: 'fp8 needs Ada (8.9), Hopper (9.0) or newer' });
}

/**
 * FlashAttention kernels by version: 2 from Ampere on, 3 on Hopper only, 4 on Hopper and Blackwell.
 * Source: Dao-AILab/flash-attention README and flash_attn/cute/interface.py.
 */
export function supportsFlashAttention(accelerator: Accelerator, version: 2 | 3 | 4): Capability {
  const needs = {
    2: 'FlashAttention-2 needs Ampere (8.0) or newer',
    3: 'FlashAttention-3 needs Hopper (9.0)',
    4: 'FlashAttention-4 needs Hopper (9.0) or Blackwell (10.0)',
  } as const;
  return capability(accelerator, `flash_attention_${version}`, { missing: needs[version] });
}

/** Compute capability as a number (`8.0` → 8); undefined for other vendors. */
export function computeCapability(accelerator: Accelerator): number | undefined {
  return accelerator.computeCapability === undefined ? undefined : Number(accelerator.computeCapability);
}

/** A catalog entry that is a text names the vendor's own way, which the frameworks' flag does not promise: not known. */
function capability(accelerator: Accelerator, name: string, { missing }: { readonly missing: string }): Capability {
  const value = accelerator.supports[name];
  const chip = `${accelerator.name} (${accelerator.architecture}${capabilityText(accelerator)})`;
  if (value === true) return { supported: true, because: `${chip} has it` };
  if (value === false) {
    const because = accelerator.vendor === 'NVIDIA' ? `${missing}, and this is ${chip}` : `${chip} does not have it`;
    return { supported: false, because };
  }
  if (value === undefined) return { supported: undefined, because: `the catalog does not say it for ${chip}` };
  return { supported: undefined, because: `${chip}: ${value}` };
}

function capabilityText(accelerator: Accelerator): string {
  return accelerator.computeCapability === undefined ? '' : `, ${accelerator.computeCapability}`;
}
