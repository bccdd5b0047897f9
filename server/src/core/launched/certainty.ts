import { join } from '../paths';
import { foldersUp } from '../run/folders';
import type { Launch } from '../run/launch';
import type { Path, Workspace } from '../source';

/**
 * Whether the flags of a launch line come before what the Trainer file says: `surely` where TRL's command line or a script that can be
 * looked at reads both, `not` where that script reads the file alone, else `likely`.
 */
export type FlagsWin = 'surely' | 'likely' | 'not';

/** What reads file and flags together: TrlParser (trl/scripts/utils.py:303, 1.16.0) and the alignment handbook's H4ArgumentParser. */
const READS_BOTH = /\b(?:TrlParser|H4ArgumentParser)\s*\(/;

/** What reads a file and looks at no flag (transformers/hf_argparser.py:386 and 408, 5.23.0). */
const READS_FILE = /\.parse_(?:yaml|json)_file\s*\(/;

const READS_FLAGS = /\.parse_(?:known_)?args\w*\s*\(/;

/** Without a Trainer file, whether the script makes TrainingArguments of its flags. */
const READS_ARGUMENTS = /\b(?:HfArgumentParser|TrlParser)\s*\(/;

export function flagsWin(launch: Launch, hasFile: boolean, workspace: Workspace, dependencies: Set<Path>): FlagsWin {
  if (launch.launcher === 'trl') return 'surely';
  const text = scriptOf(launch, workspace, dependencies);
  if (text === undefined) return 'likely';
  if (!hasFile) return READS_ARGUMENTS.test(text) ? 'surely' : 'likely';
  if (READS_BOTH.test(text)) return 'surely';
  return READS_FILE.test(text) && !READS_FLAGS.test(text) ? 'not' : 'likely';
}

/** The training script, as the launch line finds it from its own folder or one above it. */
function scriptOf({ script, path }: Launch, workspace: Workspace, dependencies: Set<Path>): string | undefined {
  if (!script.known || !script.value.endsWith('.py')) return undefined;
  for (const folder of foldersUp(path, workspace)) {
    const place = join(folder, script.value);
    dependencies.add(place);
    const read = workspace.read(place);
    if (read.ok) return read.text;
  }
  return undefined;
}
