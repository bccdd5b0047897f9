/** PCI device ids of accelerators (pci.ids; NVIDIA/gpu-admin-tools gpu/devid_names.py) and the catalog's ids. */
const DEVICES: Readonly<Record<string, string>> = {
  '10de:15f9': 'nvidia-p100-sxm2-16gb',
  '10de:15f8': 'nvidia-p100-pcie-16gb',
  '10de:1db1': 'nvidia-v100-sxm2-16gb',
  '10de:1db4': 'nvidia-v100-pcie-16gb',
  '10de:1db5': 'nvidia-v100-sxm2-32gb',
  '10de:1db6': 'nvidia-v100-pcie-32gb',
  '10de:1eb8': 'nvidia-t4',
  '10de:20b0': 'nvidia-a100-sxm4-40gb',
  '10de:20b2': 'nvidia-a100-sxm4-80gb',
  '10de:20b5': 'nvidia-a100-pcie-80gb',
  '10de:20b7': 'nvidia-a30',
  '10de:20f1': 'nvidia-a100-pcie-40gb',
  '10de:2204': 'nvidia-rtx-3090',
  '10de:2230': 'nvidia-rtx-a6000',
  '10de:2235': 'nvidia-a40',
  '10de:2236': 'nvidia-a10',
  '10de:2237': 'nvidia-a10g',
  '10de:2321': 'nvidia-h100-nvl-94gb',
  '10de:2330': 'nvidia-h100-sxm5-80gb',
  '10de:2331': 'nvidia-h100-pcie-80gb',
  '10de:2335': 'nvidia-h200-sxm-141gb',
  '10de:233b': 'nvidia-h200-nvl-141gb',
  '10de:2684': 'nvidia-rtx-4090',
  '10de:26b1': 'nvidia-rtx-6000-ada',
  '10de:26b5': 'nvidia-l40',
  '10de:26b9': 'nvidia-l40s',
  '10de:27b8': 'nvidia-l4',
  '10de:2901': 'nvidia-b200-sxm-180gb',
  '1002:740f': 'amd-mi210',
  '1002:7408': 'amd-mi250x',
  '1002:740c': 'amd-mi250x',
  '1002:74a1': 'amd-mi300x',
  '1002:74a5': 'amd-mi325x',
};

/** Catalog id of a PCI device; undefined for devices that are not in the catalog or stand for several. */
export function acceleratorOfDevice(vendor: string | undefined, device: string | undefined): string | undefined {
  const plain = (id = ''): string => id.toLowerCase().replace(/^0x/, '');
  return DEVICES[`${plain(vendor)}:${plain(device)}`];
}
