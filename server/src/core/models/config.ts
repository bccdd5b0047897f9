import { configDefaults } from './defaults';

/** What reading a config.json brought up, besides the numbers. */
export interface ReadingNotes {
  /** Fields that are needed, have no default and are not there, or hold something else than expected. */
  readonly problems: string[];
  /** Sizes that were taken from the config class of transformers: `hidden_size = 4096`. */
  readonly defaults: Map<string, number>;
  /** Other choices made for the reader. */
  readonly assumptions: string[];
}

/** Plain JSON of a Hugging Face config.json, or of one of its nested configs. */
export type ConfigFields = Readonly<Record<string, unknown>>;

/**
 * Reads fields of a Hugging Face config as the config class of its model type would: a field that is not there has the
 * class's default, a field that is null is None. Never throws: what is wrong is noted, and a harmless 1 is returned.
 */
export class ConfigReader {
  constructor(
    readonly fields: ConfigFields,
    readonly modelType: string,
    readonly notes: ReadingNotes,
    /** Dotted path of a nested config with its dot at the end: `text_config.`. */
    readonly path = '',
  ) {}

  /** The field as it stands, else the class's default; the first of `names` that is there wins. */
  value(...names: string[]): unknown {
    for (const name of names) if (Object.hasOwn(this.fields, name)) return this.fields[name];
    const defaults = configDefaults(this.modelType);
    for (const name of names) if (defaults && Object.hasOwn(defaults, name)) return defaults[name];
    return undefined;
  }

  /** A size that the architecture cannot do without: a whole number, one or more. */
  size(...names: string[]): number {
    return this.count(1, names);
  }

  /** A whole number that may be zero, such as the number of shared experts. */
  amount(...names: string[]): number {
    return this.count(0, names);
  }

  /** A size that may be absent or null; undefined then. */
  optional(...names: string[]): number | undefined {
    const value = this.value(...names);
    if (value === undefined || value === null) return undefined;
    return this.count(0, names);
  }

  /** A number that changes no tensor, such as the longest sequence; its default is not worth an assumption. */
  limit(...names: string[]): number | undefined {
    const value = this.value(...names);
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
  }

  flag(...names: string[]): boolean {
    return this.value(...names) === true;
  }

  text(...names: string[]): string | undefined {
    const value = this.value(...names);
    return typeof value === 'string' ? value : undefined;
  }

  /** A list of numbers, such as layer indexes; undefined where there is none. */
  numbers(...names: string[]): readonly number[] | undefined {
    const value = this.value(...names);
    return Array.isArray(value) && this.holds(value, 'number') ? value : undefined;
  }

  texts(...names: string[]): readonly string[] | undefined {
    const value = this.value(...names);
    return Array.isArray(value) && this.holds(value, 'string') ? value : undefined;
  }

  /** What each list holds, so that a list asked for once a layer is looked through once. */
  private readonly kinds = new Map<readonly unknown[], 'number' | 'string' | 'mixed'>();

  private holds(list: readonly unknown[], wanted: 'number' | 'string'): boolean {
    let kind = this.kinds.get(list);
    if (kind === undefined) {
      kind = list.every((item) => typeof item === 'number') ? 'number' : 'mixed';
      if (list.every((item) => typeof item === 'string')) kind = 'string';
      this.kinds.set(list, kind);
    }
    return kind === wanted;
  }

  /** Whether the file itself says something other than null. */
  says(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  /**
   * A nested config; an absent one is read from the defaults of its model type alone. Where the class of the nested
   * config is fixed, its own `model_type` does not count: some files on the hub have a wrong one there.
   */
  child(name: string, modelType: string, fixed = false): ConfigReader {
    const value = this.fields[name];
    const fields = isFields(value) ? value : {};
    const own = fixed ? undefined : fields.model_type;
    return new ConfigReader(fields, typeof own === 'string' ? own : modelType, this.notes, `${this.path}${name}.`);
  }

  /** The same fields, read with the defaults of another model type. */
  as(modelType: string): ConfigReader {
    return new ConfigReader(this.fields, modelType, this.notes, this.path);
  }

  problem(text: string): void {
    this.notes.problems.push(text);
  }

  assume(text: string): void {
    if (!this.notes.assumptions.includes(text)) this.notes.assumptions.push(text);
  }

  private count(least: number, names: readonly string[]): number {
    const value = this.value(...names);
    const isSize = typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
    const written = names.find((name) => Object.hasOwn(this.fields, name));
    if (isSize && written !== undefined) return value;
    const name = `${this.path}${written ?? names[0]}`;
    if (isSize) {
      this.notes.defaults.set(name, value);
      return value;
    }
    const isMissing = value === undefined || value === null;
    this.problem(
      isMissing
        ? `${name} is missing`
        : `${name} is not a size: ${typeof value === 'number' ? value : JSON.stringify(value)}`,
    );
    return 1;
  }
}

/** True for a JSON object. */
export function isFields(value: unknown): value is ConfigFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
