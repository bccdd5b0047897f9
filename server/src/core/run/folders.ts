import { kept } from '../kept';
import { dirname, extension, isInside } from '../paths';
import type { Path, Workspace } from '../source';
import { rankOfPins } from './pins';

/** Far deeper than real projects; a guard against a file that lies in no workspace folder. */
const MAX_FOLDERS_UP = 32;

/** The folder of a file and each folder above it, up to the workspace folder it lies in. */
export function foldersUp(file: Path, workspace: Workspace): Path[] {
  const root = rootOf(file, workspace);
  const folders: Path[] = [];
  let folder = dirname(file);
  for (let i = 0; i < MAX_FOLDERS_UP; i++) {
    folders.push(folder);
    const above = dirname(folder);
    if (root === undefined || folder === root || above === folder) break;
    folder = above;
  }
  return folders;
}

/** The innermost workspace folder around a file. */
function rootOf(file: Path, workspace: Workspace): Path | undefined {
  let best: Path | undefined;
  for (const root of workspace.roots) {
    if (isInside(root, file) && (best === undefined || root.length > best.length)) best = root;
  }
  return best;
}

/** Names in one folder, by what they can be. */
export interface FolderNames {
  /** JSON and YAML files that may be part of a run, the likeliest names first, at most {@link MAX_CANDIDATES}. */
  readonly configs: readonly string[];
  /** There were more JSON and YAML files than were looked at: "the only one" cannot be said. */
  readonly cut: boolean;
  readonly scripts: readonly string[];
  /** Python files that start runs in a cloud, by their names. */
  readonly estimators: readonly string[];
  /** Files that say which releases of packages are installed, the surest first. */
  readonly requirements: readonly string[];
}

/** Files read per folder when looking for the rest of a run: enough for a recipes folder, little beside reading one file. */
const MAX_CANDIDATES = 40;
const MAX_SCRIPTS = 40;

const sorted = kept<readonly string[], FolderNames>();

/** Sorted once for as long as the adapter gives the same list. */
export function namesIn(folder: Path, workspace: Workspace): FolderNames {
  const list = workspace.list(folder);
  let names = sorted.get(list);
  if (!names) {
    names = sortNames(list);
    sorted.set(list, names);
  }
  return names;
}

const LIKELY =
  /accelerate|deepspeed|^ds[_-]|[_-]ds[_.-]|zero|fsdp|train|sft|dpo|grpo|lora|config|stage[0-3]|ddp|gpu|recipe|args/i;
const ESTIMATOR = /(?:sagemaker|estimator)[\w-]*\.py$/i;
const SCRIPT = /^makefile$|\.(sh|bash|zsh|slurm|sbatch|job|mk)$/i;

function sortNames(list: readonly string[]): FolderNames {
  const configs: string[] = [];
  const scripts: string[] = [];
  const estimators: string[] = [];
  const requirements: string[] = [];
  for (const name of list) {
    const ending = extension(name);
    if (rankOfPins(name) !== undefined) requirements.push(name);
    if (ending === '.json' || ending === '.yaml' || ending === '.yml' || ending === '.jsonc') configs.push(name);
    else if (SCRIPT.test(name)) scripts.push(name);
    else if (ESTIMATOR.test(name)) estimators.push(name);
  }
  const cut = configs.length > MAX_CANDIDATES;
  const likely = cut
    ? [...configs.filter((name) => LIKELY.test(name)), ...configs.filter((name) => !LIKELY.test(name))]
    : configs;
  return {
    configs: likely.slice(0, MAX_CANDIDATES),
    cut,
    scripts: scripts.slice(0, MAX_SCRIPTS),
    estimators: estimators.slice(0, MAX_SCRIPTS),
    requirements: requirements.sort((a, b) => (rankOfPins(a) ?? 0) - (rankOfPins(b) ?? 0)),
  };
}
