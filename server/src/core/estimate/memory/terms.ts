/** One product of a recording: `16Th` is the coefficient 16 and the sizes T and h. */
interface Term {
  readonly coefficient: number;
  /** Single letters, and sides of tensors as `self_attn.kv_b_proj:0`. */
  readonly sizes: readonly string[];
}

/** Gives the size that a symbol stands for. T tokens, b samples, s tokens of a sample; the others are in `symbols.ts`. */
export type SizeOf = (symbol: string) => number;

const parsed = new Map<string, readonly Term[]>();

/** Reads `16Th + 0.5Tnd - 2T[self_attn.kv_b_proj:0]`; each text once. */
function termsOf(text: string): readonly Term[] {
  const before = parsed.get(text);
  if (before !== undefined) return before;
  const terms: Term[] = [];
  for (const [, sign, digits, product] of text.matchAll(/([+-]?)\s*(\d+(?:\.\d+)?)((?:\[[^\]]+\]|[A-Za-z])*)/g)) {
    const sizes = [...(product ?? '').matchAll(/\[([^\]]+)\]|([A-Za-z])/g)].map(
      ([, side, letter]) => side ?? letter ?? '',
    );
    terms.push({ coefficient: sign === '-' ? -Number(digits) : Number(digits), sizes });
  }
  parsed.set(text, terms);
  return terms;
}

/** Bytes of a recorded sum for these sizes. */
export function evaluate(text: string, sizeOf: SizeOf): number {
  let sum = 0;
  for (const { coefficient, sizes } of termsOf(text)) {
    let product = coefficient;
    for (const symbol of sizes) product *= sizeOf(symbol);
    sum += product;
  }
  return sum;
}
