/** What is wrong in a record that a user wrote, and where: a dotted path from its top. */
export interface RecordProblem {
  readonly path: string;
  readonly message: string;
}

/** One object of such a record, read key by key; what is wrong is collected, the first problem first. */
export class PlainRecord {
  private readonly value: Readonly<Record<string, unknown>>;

  /** `name` is what the object is called in messages; `keys` are all that it may have. */
  constructor(
    value: unknown,
    private readonly path: string,
    name: string,
    keys: readonly string[],
    private readonly problems: RecordProblem[],
  ) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.value = isObject ? (value as Readonly<Record<string, unknown>>) : {};
    if (!isObject) problems.push({ path, message: `${path === '' ? name : `\`${name}\``} is not a JSON object.` });
    const strange = Object.keys(this.value).find((key) => !keys.includes(key));
    if (strange === undefined) return;
    const known = keys.filter((key) => key !== '$schema').join(', ');
    this.complain(strange, `\`${strange}\` is not a key of ${name}; it knows ${known}.`);
  }

  get(key: string): unknown {
    return this.value[key];
  }

  text(key: string): string | undefined {
    const value = this.value[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    return this.complain(key, `\`${key}\` is ${shown(value)}, where a name is expected.`);
  }

  positive(key: string): number | undefined {
    const value = this.value[key];
    if (value === undefined) return undefined;
    // Beyond the whole numbers that a computer counts, figures made of it would be none.
    if (typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER) return value;
    return this.complain(key, `\`${key}\` is ${shown(value)}, where a number above zero is expected.`);
  }

  whole(key: string): number | undefined {
    const value = this.positive(key);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    return this.complain(key, `\`${key}\` is ${value}, where a whole number is expected.`);
  }

  flag(key: string): boolean | undefined {
    const value = this.value[key];
    if (value === undefined || typeof value === 'boolean') return value;
    return this.complain(key, `\`${key}\` is ${shown(value)}, where true or false is expected.`);
  }

  oneOf<T extends string | number>(key: string, choices: readonly T[]): T | undefined {
    const value = this.value[key];
    const found = choices.find((choice) => choice === value);
    if (value === undefined || found !== undefined) return found;
    return this.complain(key, `\`${key}\` is ${shown(value)}; it can be ${choices.join(', ')}.`);
  }

  /** An object inside this one; empty where it is absent. */
  section(key: string, keys: readonly string[]): PlainRecord {
    const value = this.value[key];
    return new PlainRecord(value === undefined ? {} : value, this.pathOf(key), key, keys, this.problems);
  }

  complain(key: string, message: string): undefined {
    this.problems.push({ path: this.pathOf(key), message });
    return undefined;
  }

  private pathOf(key: string): string {
    if (key === '') return this.path;
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
