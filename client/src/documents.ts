import type { DocumentSelector, TextDocument } from 'vscode';
import { couldBeConfig } from '../../server/src/core/dialects/index';

/** The language ids we look at. Which of their files are configs is told by content, on the server. */
const LANGUAGES = ['json', 'jsonc', 'yaml'];

/** Every scheme: virtual workspaces (`vscode-vfs:`) and unsaved files too. */
export const selector: DocumentSelector = LANGUAGES.map((language) => ({ language }));

/** Cheap enough to ask for every document that opens: most JSON and YAML has nothing to do with training. */
export function mayConcernUs(document: TextDocument): boolean {
  if (!LANGUAGES.includes(document.languageId) || document.uri.scheme === 'git') return false;
  return couldBeConfig(document.uri.path, document.getText());
}
