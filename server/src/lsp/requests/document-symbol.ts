import type { DocumentSymbol, SymbolKind } from 'vscode-languageserver-protocol';
import { type OutlineSymbol, symbols } from '../../core/features/symbols';
import type { LineIndex } from '../../core/text/lines';
import { toRange } from '../convert';
import type { AnalysedSnapshot } from '../session';

const KINDS = {
  section: 2, // Module
  list: 18, // Array
  string: 15,
  number: 16,
  boolean: 17,
  null: 21,
} as const satisfies Record<OutlineSymbol['kind'], SymbolKind>;

/** `textDocument/documentSymbol`: the outline of a recognised config. */
export function documentSymbols({ analysis }: AnalysedSnapshot): DocumentSymbol[] {
  const { lines } = analysis.file;
  return symbols(analysis).map((symbol) => toSymbol(symbol, lines));
}

function toSymbol(symbol: OutlineSymbol, lines: LineIndex): DocumentSymbol {
  return {
    name: symbol.name,
    ...(symbol.detail === undefined ? {} : { detail: symbol.detail }),
    kind: KINDS[symbol.kind],
    range: toRange(lines, symbol.start, symbol.end),
    selectionRange: toRange(lines, symbol.nameStart, symbol.nameEnd),
    children: symbol.children.map((child) => toSymbol(child, lines)),
  };
}
