import type { Setting } from '../settings';
import type { Config, DialectId, Path, SourceFile } from '../source';

/** What a file was taken for, and why; the reason is shown to the user. */
export interface Recognition {
  readonly dialect: DialectId | 'foreign';
  /** 0–1; content decides, the name only breaks ties. */
  readonly confidence: number;
  /** "has `zero_optimization` with a `stage`". */
  readonly reason: string;
  /** For `foreign`: the framework whose recipe it is, as `LLaMA-Factory`. Recognised, said so, left alone. */
  readonly framework?: string;
}

/** A file named by a setting: `deepspeed: ds.json`. */
export interface FileReference {
  readonly setting: Setting;
  /** As written. */
  readonly written: string;
  readonly dialect: DialectId;
  /** Where it was found: beside the file, then in each folder above it up to the workspace root. */
  readonly resolved: Path | undefined;
}

/** One config language; one folder in `dialects/` each. */
export interface Dialect {
  readonly id: DialectId;
  /** As shown: `DeepSpeed config`. */
  readonly title: string;
  recognise(file: SourceFile): Recognition | undefined;
  /** Configs of other dialects that stand inside this one: `fsdp_config:` of a Trainer file. */
  sections(config: Config): readonly Config[];
  /** Settings whose value names another file. */
  references(config: Config): readonly { readonly setting: Setting; readonly dialect: DialectId }[];
}
