import { basename } from '../../paths';
import type { SourceFile } from '../../source';
import type { Recognition } from '../dialect';

/** Our own settings file, by its name alone: a broken one has to be recognised too. */
export function recognise(file: SourceFile): Recognition | undefined {
  if (basename(file.path) !== 'shardlens.json') return undefined;
  return { dialect: 'shardlens', confidence: 1, reason: 'is named shardlens.json' };
}
