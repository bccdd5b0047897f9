import type { Accelerator } from './hardware/hardware';
import type { CopyRecord, CpuRecord, DriveRecord, InstanceRecord, PathRecord, ServiceRecord } from './hardware/records';
import type { Recorded } from './models/recorded';
import type { DialectId } from './source';

/**
 * The data the core works on, passed in by the adapter: the core reads no file. Each part is parsed when first asked for,
 * because a run that needs no hardware must not pay for it.
 */
export interface Catalogs {
  readonly models: ModelCatalog;
  readonly hardware: HardwareCatalog;
  schema(dialect: DialectId): DialectSchema;
}

/** A catalog record of a model: a Hugging Face config and where it came from. */
export interface ModelRecord {
  readonly id: string;
  /** With `model_type`, `architectures` and `torch_dtype`, as config.json has them. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly confidence: 'high' | 'medium' | 'low';
  readonly source: string;
  /** Counted with the real class; undefined for unverified records. */
  readonly parameters: number | undefined;
}

export interface ModelCatalog {
  /** By id or alias, any case. */
  find(id: string): ModelRecord | undefined;
  /** Ids nearest to a mistyped one, best first. */
  nearest(id: string, limit: number): readonly string[];
  ids(): readonly string[];
  family(modelType: string): FamilyRecord | undefined;
  /** What models of the type with this activation keep for backward; that of the likest family where this one was not run. */
  recorded(modelType: string, activation: string | undefined): Recorded;
}

export interface FamilyRecord {
  readonly modelType: string;
  readonly noSplitModules: readonly string[];
  readonly blockClasses: readonly string[];
  readonly loraTargets: readonly string[] | undefined;
}

export interface HardwareCatalog {
  accelerator(idOrAlias: string): Accelerator | undefined;
  instance(idOrAlias: string): InstanceRecord | undefined;
  /** Any spelling people type (`A100-80GB`, `8xH100`, `ml.p4d.24xlarge`): what it means, and what else it could have meant. */
  resolve(text: string): HardwareMatch | undefined;
  /** Ids and aliases nearest to a mistyped one, best first. */
  nearest(id: string, limit: number): readonly string[];
  accelerators(): readonly Accelerator[];
  instanceIds(): readonly string[];
  cpu(id: string): CpuRecord | undefined;
  /** A storage service, by an id as `fsx-lustre`, `efs`, `ebs`. */
  service(id: string): ServiceRecord | undefined;
  /** The instance's drives; undefined where no rate is known. */
  drives(instanceId: string): DriveRecord | undefined;
  /** Rates that collectives reach on each kind of path. */
  paths(): readonly PathRecord[];
  /** Rates of copies between host and device. */
  copies(): readonly CopyRecord[];
  /** What a source key of a record stands for. */
  source(key: string): string | undefined;
}

/** What a piece of text names. */
export interface HardwareMatch {
  readonly instance: InstanceRecord | undefined;
  readonly accelerator: Accelerator | undefined;
  /** The 8 of `8xH100`; undefined where the text has no count. */
  readonly count: number | undefined;
  /** Ids that the same text could have meant (`A100` is 40 or 80 GB); the first in the catalog was taken. */
  readonly others: readonly string[];
  /** The records of {@link others}. */
  readonly otherAccelerators?: readonly Accelerator[];
}

/** A dialect's JSON Schema with our annotations, and the validator compiled from it at build time. */
export interface DialectSchema {
  readonly schema: JsonSchema;
  /** ajv's standalone validator: true, or false with `errors`. */
  validate(value: unknown): readonly SchemaError[];
}

export interface SchemaError {
  /** JSON pointer into the value. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** JSON Schema as we write it, with annotations under `x-shardlens`. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly markdownDescription?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly deprecated?: boolean;
  readonly required?: readonly string[];
  /** Known values of a key that takes others too. */
  readonly examples?: readonly unknown[];
  readonly $ref?: string;
  readonly 'x-shardlens'?: SchemaAnnotation;
}

/** Facts about a key that JSON Schema has no word for. */
export interface SchemaAnnotation {
  /** Where the framework defines it: `deepspeed/runtime/constants.py:19`. */
  readonly where?: string;
  /**
   * What happens to a key this object does not know: the framework raises (`reject`), drops it without a word (`ignore`),
   * hands it on to a constructor (`forward`), or stops unless the training script declares it itself (`script`).
   */
  readonly unknownKeys?: 'reject' | 'ignore' | 'forward' | 'script';
  /** The version from which unknown keys are rejected; before, they were ignored. */
  readonly strictSince?: string;
  /** Keys that were known once, and the last version measured that took them. */
  readonly formerKeys?: Readonly<Record<string, string>>;
  /** Values in lower case that the key took once, and the first release measured that stops on them. */
  readonly formerValues?: Readonly<Record<string, string>>;
  /** The text is split at blanks, and each word is one of the values. */
  readonly wordList?: boolean;
  /** Names that people write for a key of this object, and the key they mean. */
  readonly renames?: Readonly<Record<string, string>>;
  /** Who fills "auto". */
  readonly autoFilledBy?: readonly ('transformers' | 'accelerate')[];
  /** This is a second name of that key. */
  readonly aliasOf?: string;
  readonly replacedBy?: string;
  /** How a removed key is mended. */
  readonly fix?: 'rename' | 'delete' | 'move' | 'rewrite';
  /** Optimizer, scheduler or config classes, launch types or versions that read the key. */
  readonly appliesTo?: readonly string[];
  /** The first version measured that lacks it; `trl 0.21.0` where the framework is not the dialect's own. */
  readonly removedIn?: string;
  readonly addedIn?: string;
  /** `none`: read and never used. */
  readonly effect?: 'none';
  /** Verified: the framework stops on a value outside type, list or range, whoever reads the file. */
  readonly raises?: boolean;
  /** The release of transformers (fsdp dialect) from which the Trainer reads the key; before, it is dropped. */
  readonly readSince?: string;
  /** Only this FSDP reads the key. */
  readonly fsdpVersion?: 1 | 2;
  /** Letters of either case are taken. */
  readonly anyCase?: boolean;
  /** The listed values are not all there are. */
  readonly openValues?: boolean;
  /** Defaults that differ by optimizer or config class. */
  readonly defaultFor?: Readonly<Record<string, unknown>>;
  /** The default in transformers 4. */
  readonly defaultV4?: unknown;
  /** A default that is no value of the key, in words. */
  readonly defaultNote?: string;
  readonly requires?: string;
  readonly note?: string;
  readonly unit?: string;
}
