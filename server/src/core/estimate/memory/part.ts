import type { Origin } from '../../run/known';
import { formatGib } from '../../text/format';
import type { MemoryGroup, Term } from '../estimate';

/** The source of formulas that agree with what real framework code allocates, to the byte where no allocator is between. */
export const COUNTED = 'counted with transformers 5.18 by test/oracle/record_memory.py';

/** A term before its words are made: most moments lose, and only the winner's terms are written out. */
export interface Part {
  readonly id: string;
  readonly group: MemoryGroup;
  readonly bytes: number;
  readonly label: () => string;
  /** The arithmetic with its numbers, without the result: `2 B × 8.0 B parameters ÷ 4 ranks`. */
  readonly formula: () => string;
  readonly source: string;
  readonly from: readonly Origin[];
}

/** Writes a part out, with its result: `2 B × 8.0 B parameters ÷ 4 ranks = 3.74 GiB`. */
export function toTerm(part: Part): Term {
  return {
    id: part.id,
    label: part.label(),
    bytes: part.bytes,
    formula: `${part.formula()} = ${formatGib(part.bytes)}`,
    source: part.source,
    group: part.group,
    from: part.from,
  };
}

/** Bytes of all parts together. */
export function sumBytes(parts: readonly Part[]): number {
  let sum = 0;
  for (const part of parts) sum += part.bytes;
  return sum;
}
