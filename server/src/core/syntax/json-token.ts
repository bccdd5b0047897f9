/**
 * jsonc-parser's `SyntaxKind` and `ScanError`, by value: the package declares them as ambient const enums, which isolated modules
 * cannot read. A test compares them with the package's own objects.
 */
export const Token = {
  OpenBrace: 1,
  CloseBrace: 2,
  OpenBracket: 3,
  CloseBracket: 4,
  Comma: 5,
  Colon: 6,
  Null: 7,
  True: 8,
  False: 9,
  String: 10,
  Number: 11,
  LineComment: 12,
  BlockComment: 13,
  LineBreak: 14,
  Space: 15,
  Unknown: 16,
  End: 17,
} as const;

/** What can be wrong with a token, by value of `ScanError`. */
export const Fault = {
  None: 0,
  UnclosedComment: 1,
  UnclosedString: 2,
  UnfinishedNumber: 3,
  BadUnicode: 4,
  BadEscape: 5,
  BadCharacter: 6,
} as const;
