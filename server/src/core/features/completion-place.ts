/** Where in a config text is being typed. */
export interface CompletionPlace {
  readonly kind: 'key' | 'value';
  /** Keys (and indices of lists) of the objects around the place, outermost first. */
  readonly path: readonly string[];
  /** The key whose value is typed. */
  readonly key: string | undefined;
  /** The text that a proposal replaces. */
  readonly start: number;
  readonly end: number;
  /** Keys the object has already; the one being typed is not among them. */
  readonly present: readonly string[];
  /** A colon follows the key already, so only the name is replaced. */
  readonly hasValue: boolean;
  /** Another entry follows, so the new one ends with a comma. */
  readonly commaAfter: boolean;
  /** Where the comma after the entry before is missing. */
  readonly commaAt: number | undefined;
}
