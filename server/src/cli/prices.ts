import type { Price } from '../lsp/protocol';

/** A price without its date and place would be none. */
export function pricesOf(machines: readonly { readonly price: Price | null }[]): string {
  const dates = new Set(machines.flatMap(({ price }) => (price ? `${price.region}, ${price.asOf}` : [])));
  return dates.size === 0 ? '' : `\nPrices are on demand: ${[...dates].sort().join('; ')}.\n`;
}
