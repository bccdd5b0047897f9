import type { HardwareCatalog } from '../catalogs';
import { plainName } from './names';
import type { CpuRecord } from './records';

/** A machine without accelerators, or a CPU by itself. */
export interface CpuMachine {
  readonly name: string;
  /** Undefined where the family has several CPUs. */
  readonly cpu: CpuRecord | undefined;
}

/** Letters of EC2 families that hold CPUs only; `g`, `p`, `inf`, `trn`, `dl`, `f` and `vt` have cards. */
const EC2 =
  /^(?:ml\.)?(a|c|d|h|hpc|i|im|is|m|r|t|x|z)(\d+)([a-z]*)(?:-[a-z0-9]+)?\.(?:\d*x?large|medium|small|micro|nano|metal(?:-\d+xl)?)$/;

/** Graviton by the generation of the family: `m8g` has Graviton4 (AWS EC2 instance type names, "g" for Graviton). */
const GRAVITON: Readonly<Record<string, string>> = {
  '1': 'graviton1',
  '6': 'graviton2',
  '7': 'graviton3',
  '8': 'graviton4',
  '9': 'graviton5',
};

/** What a name without accelerators stands for: `m8g.48xlarge`, `c7i.24xlarge`, `Graviton4`, `Grace`. */
export function cpuMachine(text: string, catalog: HardwareCatalog): CpuMachine | undefined {
  const name = text.trim().toLowerCase();
  const [, family = '', generation = '', kind = ''] = EC2.exec(name) ?? [];
  if (family !== '') {
    const id = family === 'a' || kind.startsWith('g') ? GRAVITON[generation] : undefined;
    return { name, cpu: id === undefined ? undefined : catalog.cpu(id) };
  }
  const cpu = catalog.cpu(plainName(name)) ?? catalog.cpu(name);
  return cpu && { name: cpu.name, cpu };
}

/** Whether an EC2 or SageMaker instance type has no accelerators. */
export function isCpuInstance(name: string): boolean {
  return EC2.test(name.toLowerCase());
}

/** Why nothing is placed on it, and what it is good for beside a training run. */
export function whyNoAccelerator({ name, cpu }: CpuMachine): string {
  const chip = cpu && cpu.name !== name ? ` (${cpu.name})` : '';
  return `${name}${chip} has no accelerator: it can prepare data for a run, and the run itself needs a machine with accelerators.`;
}
