/** What a record itself holds under a name that a user wrote; `constructor` and the like, which every object inherits, are none. */
export function ownValue<T>(record: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
