import { join } from '../paths';
import { foldersUp } from '../run/folders';
import { type Launch, placeOf } from '../run/launch';
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

/** What makes the classes that it is given of all flags, with the defaults of those that lack. */
const PARSES_CLASSES = /\b(?:HfArgumentParser|TrlParser|H4ArgumentParser)\s*\(([^)]*)/g;

const ARGUMENTS = String.raw`\w*TrainingArguments|\w*(?:SFT|DPO|GRPO|KTO|Reward|RLOO|ORPO|CPO|GKD|BCO|PRM|PPO|NashMD)(?:Trainer)?Config`;

/** A class that the script makes its own arguments of. */
const OWN_CLASS = new RegExp(String.raw`\bclass\s+(\w+)\s*\([^)]*\b(?:${ARGUMENTS})\b`, 'g');

/** Training arguments made by a call, so that what the flags lack may be given there. */
const MAKES_ARGUMENTS = new RegExp(String.raw`(?<!\bclass\s+)\b(?:${ARGUMENTS})\s*\(`);

/** Without a Trainer file, whether the script makes its training arguments of the flags alone. */
function ofFlagsAlone(text: string): FlagsWin {
  const own = [...text.matchAll(OWN_CLASS)].map(([, name = '']) => name);
  const wanted = new RegExp(String.raw`\b(?:${[ARGUMENTS, ...own].join('|')})\b`);
  const parsers = [...text.matchAll(PARSES_CLASSES)];
  if (parsers.some(([, classes = '']) => wanted.test(classes))) return 'surely';
  if (MAKES_ARGUMENTS.test(text)) return 'not';
  return parsers.length === 0 && /\bArgumentParser\s*\(/.test(text) ? 'not' : 'likely';
}

export function flagsWin(launch: Launch, hasFile: boolean, workspace: Workspace, dependencies: Set<Path>): FlagsWin {
  if (launch.launcher === 'trl') return 'surely';
  const text = scriptOf(launch, workspace, dependencies);
  if (text === undefined) return 'likely';
  if (!hasFile) return ofFlagsAlone(text);
  if (READS_BOTH.test(text)) return 'surely';
  return READS_FILE.test(text) && !READS_FLAGS.test(text) ? 'not' : 'likely';
}

/** The training script, as the launch line finds it from its own folder or one above it. */
function scriptOf(launch: Launch, workspace: Workspace, dependencies: Set<Path>): string | undefined {
  const { script, path } = launch;
  if (!script.known || !script.value.endsWith('.py')) return undefined;
  for (const folder of foldersUp(path, workspace)) {
    const place = join(folder, placeOf(launch, script.value));
    dependencies.add(place);
    const read = workspace.read(place);
    if (read.ok) return read.text;
  }
  return undefined;
}
