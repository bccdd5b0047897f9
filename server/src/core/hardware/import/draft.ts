import type { HardwareCatalog } from '../../catalogs';
import { buildCluster } from '../cluster';
import type { Cluster } from '../hardware';
import type { Fact, Origin, Remark } from './facts';

/** One value of the description and the words it was read from. */
export interface ImportedValue {
  /** Its place in the description: `between.transport`. */
  readonly key: string;
  readonly value: string | number;
  /** Undefined for what the user said with a flag. */
  readonly origin: Origin | undefined;
  readonly because: string | undefined;
}

type Json = Record<string, unknown>;

/** A description and the cluster that it makes. */
export interface Made {
  readonly description: Readonly<Record<string, unknown>>;
  readonly cluster: Cluster;
}

/** A cluster description in the making: each value with its origin, and beside it what stays unknown and what is remarkable. */
export class Draft {
  readonly values: ImportedValue[] = [];
  readonly unknown: { readonly what: string; readonly because: string }[] = [];
  readonly remarks: Remark[] = [];

  /** A value as it was read. */
  take(key: string, { value, origin }: Fact<string | number>): void {
    this.add(key, value, origin);
  }

  /** A value that follows from what was read, or that the user said. */
  add(key: string, value: string | number, origin: Origin | undefined, because?: string): void {
    this.values.push({ key, value, origin, because });
  }

  /** Something that nothing told, and what would. */
  miss(what: string, because: string): void {
    this.unknown.push({ what, because });
  }

  remark(message: string, origin: Origin | undefined): void {
    this.remarks.push({ message, origin });
  }

  /** What the estimates would refuse is left out, and said: a description that cannot be used helps no one. */
  made(catalog: HardwareCatalog): Made | undefined {
    const whole = this.description();
    const tries: readonly (readonly string[])[] = [[], ['inside'], ['between'], ['inside', 'between']];
    for (const without of tries) {
      const description = Object.fromEntries(Object.entries(whole).filter(([key]) => !without.includes(key)));
      const built = buildCluster({ hardware: description }, { catalog });
      if ('cluster' in built) return { description, cluster: built.cluster };
      if (without.length === 0) this.remark(built.problem.replace(/\.$/, ''), undefined);
    }
    return undefined;
  }

  private description(): Json {
    const description: Json = {};
    for (const { key, value } of this.values) {
      const [first = '', second] = key.split('.');
      if (second === undefined) description[first] = value;
      else description[first] = { ...((description[first] as Json | undefined) ?? {}), [second]: value };
    }
    const { node, instance, nodes, gpusPerNode, inside, between } = description;
    const ordered = { instance, node, nodes, gpusPerNode, inside, between };
    return Object.fromEntries(Object.entries(ordered).filter(([, value]) => value !== undefined));
  }
}
