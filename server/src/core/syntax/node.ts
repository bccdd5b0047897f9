/**
 * The one tree that JSON and YAML are read into. Every node knows its place in the text; duplicates, errors and the
 * written form of scalars are kept, because findings and edits need them.
 */
export type Node = ScalarNode | MappingNode | SequenceNode;

interface Span {
  /** UTF-16 offset of the first unit. */
  readonly start: number;
  /** UTF-16 offset after the last unit. */
  readonly end: number;
}

/** What Python gets for a scalar: json.load for JSON, PyYAML's safe_load (YAML 1.1) for YAML. */
export type Scalar =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'null'; readonly value: null };

export interface ScalarNode extends Span {
  readonly kind: 'scalar';
  readonly scalar: Scalar;
  /** As written, quotes included. */
  readonly raw: string;
  /** How it is written. `plain` in JSON: numbers, literals and (hjson only) bare words. */
  readonly style: 'plain' | 'double' | 'single' | 'block';
  /** Set when a template engine or the shell fills this value: `${…}`, `{{…}}`, `<PLACEHOLDER>`; such a value proves nothing. */
  readonly templated: boolean;
}

export interface MappingNode extends Span {
  readonly kind: 'mapping';
  /** In the order written; a duplicate key stays in the list. {@link lookup} gives the one Python keeps. */
  readonly entries: readonly Entry[];
  readonly flow: boolean;
}

export interface Entry extends Span {
  /** The key as Python sees it, as text (`str(key)`); YAML's `on:` is the key `True`. */
  readonly key: string;
  readonly keyNode: ScalarNode;
  /** Absent where the text breaks off, as in `{"a": `. */
  readonly value: Node | undefined;
}

export interface SequenceNode extends Span {
  readonly kind: 'sequence';
  readonly items: readonly Node[];
  readonly flow: boolean;
}

/** Which strict readers refuse this text, and at which place. */
export interface SyntaxProblem extends Span {
  /**
   * `broken`: no reader takes it. `hjson-only`: DeepSpeed's Hjson takes it, `json.load` does not (comments, trailing
   * commas, bare words). `duplicate-key`: `json.load` and PyYAML keep the last one, DeepSpeed's reader raises.
   * `limit`: we did not read on (depth, size, aliases): the file was not fully checked.
   */
  readonly kind: 'broken' | 'hjson-only' | 'duplicate-key' | 'limit';
  readonly message: string;
  /**
   * For `broken`: set where lines around it may have lost their place, as below an open bracket. Elsewhere what is broken is one
   * entry or value, and the rest is as it was meant.
   */
  readonly spreads?: true;
  /** For `duplicate-key`: the entry that is lost. */
  readonly entry?: Entry;
}

export interface Tree {
  readonly format: 'json' | 'yaml';
  /** Absent for an empty or hopeless text. For YAML with several documents: the first. */
  readonly root: Node | undefined;
  readonly problems: readonly SyntaxProblem[];
}

/** The entry Python keeps for a key: the last one. One without value, where the text breaks off, stands back behind a whole one. */
export function lookup(mapping: MappingNode, key: string): Entry | undefined {
  let broken: Entry | undefined;
  for (let i = mapping.entries.length - 1; i >= 0; i--) {
    const entry = mapping.entries[i];
    if (entry?.key !== key) continue;
    if (entry.value !== undefined) return entry;
    broken ??= entry;
  }
  return broken;
}
