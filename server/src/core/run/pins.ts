import type { Path } from '../source';
import { imageContents, isReplaced } from './image';
import { type Known, known, unknown } from './known';
import type { FrameworkName } from './training-run';

/** The exact release of each package that a file pins; unknown, with the reason, where it gives a range or several. */
export type Pins = Readonly<Partial<Record<FrameworkName, Known<string>>>>;

/** A line of a file that names a release: exact, or a range that proves nothing. */
interface Pin {
  readonly version: string;
  readonly exact: boolean;
  readonly start: number;
  readonly end: number;
}

/** Files that name releases, the surest first: a lock file holds what is installed, a recipe only what somebody runs. */
const FORMS: readonly { readonly name: RegExp; readonly find: (text: string, framework: FrameworkName) => Pin[] }[] = [
  { name: /^(?:uv|poetry|pdm)\.lock$/i, find: inLock },
  { name: /^pipfile\.lock$/i, find: inPipfileLock },
  { name: /^(?:requirements|constraints)[\w.-]*\.txt$/i, find: inRequirements },
  { name: /^(?:pyproject\.toml|pipfile)$/i, find: inToml },
  { name: /^setup\.(?:cfg|py)$/i, find: inRequirements },
  { name: /^(?:environment|conda)[\w.-]*\.ya?ml$/i, find: inEnvironment },
  { name: /^(?:[\w.-]+\.)?(?:dockerfile|containerfile)(?:\.[\w.-]+)?$/i, find: inDockerfile },
  { name: /^[\w.-]*(?:install|setup|build|docker|env|prepare)[\w.-]*\.(?:sh|bash)$/i, find: inCommands },
];

/** Characters; no list of requirements that people write comes near, only lock files do. */
const LONGEST = 256 * 1024;

/** How sure a file of this name is about releases, 0 the surest; undefined where it says nothing about them. */
export function rankOfPins(name: string): number | undefined {
  const rank = FORMS.findIndex((form) => form.name.test(name));
  return rank < 0 ? undefined : rank;
}

/** The releases that a file pins, for the packages asked for. */
export function findPins(path: Path, text: string, frameworks: readonly FrameworkName[]): Pins {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const form = FORMS.find((each) => each.name.test(name));
  const pins: Partial<Record<FrameworkName, Known<string>>> = {};
  if (!form || (text.length > LONGEST && !/lock$/i.test(name))) return pins;
  for (const framework of frameworks) {
    // Cheap before exact: most files name few of the packages.
    if (!text.includes(framework) && framework !== 'torch') continue;
    const found = form.find(text, framework);
    const first = found[0];
    if (!first) continue;
    const origin = { kind: 'file', path, start: first.start, end: first.end, key: framework } as const;
    const versions = new Set(found.map(({ version }) => version));
    if (!found.every(({ exact }) => exact)) {
      pins[framework] = unknown(`only a range of ${framework} versions is given`, origin);
    } else if (versions.size > 1) {
      pins[framework] = unknown(`${name} names several versions of ${framework}`, origin);
    } else pins[framework] = known(first.version, origin);
  }
  return pins;
}

function all(
  text: string,
  pattern: RegExp,
  read: (match: RegExpExecArray) => Omit<Pin, 'start' | 'end'> | undefined,
): Pin[] {
  const found: Pin[] = [];
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const pin = read(match);
    if (pin) found.push({ ...pin, start: match.index, end: match.index + match[0].length });
  }
  return found;
}

/** `name = "transformers"` followed by `version = "5.1.0"`, as uv, Poetry and PDM write it. */
function inLock(text: string, framework: string): Pin[] {
  return all(text, new RegExp(`^name = "${framework}"\\r?\\nversion = "([^"]+)"`, 'gm'), (match) => ({
    version: match[1] ?? '',
    exact: true,
  }));
}

/** `"transformers": { …, "version": "==5.1.0" }`. */
function inPipfileLock(text: string, framework: string): Pin[] {
  return all(text, new RegExp(`"${framework}"\\s*:\\s*\\{[^{}]*?"version"\\s*:\\s*"==([^"]+)"`, 'g'), (match) => ({
    version: match[1] ?? '',
    exact: true,
  }));
}

/** `transformers[torch]==5.1.0 ; python_version > "3.9"`, at the start of a line or in quotes. */
function inRequirements(text: string, framework: string): Pin[] {
  const pattern = new RegExp(
    `(?:^|["'])[ \\t]*${framework}(?:\\[[\\w,\\s-]*\\])?[ \\t]*(===?|[<>~!]=?)[ \\t]*([\\w.+!*-]+)([^#"'\\n;]*)`,
    'gm',
  );
  return all(text, pattern, ([, operator = '', version = '', rest = '']) => ({
    version,
    exact: isExact(operator, version, rest),
  }));
}

function isExact(operator: string, version: string, rest: string): boolean {
  return /^===?$/.test(operator) && !version.includes('*') && !rest.includes(',');
}

/** A requirement in quotes, or Poetry's and Pipenv's `transformers = "5.1.0"`, where a bare number is exact. */
function inToml(text: string, framework: string): Pin[] {
  const pattern = new RegExp(
    `^[ \\t]*"?${framework}"?[ \\t]*=[ \\t]*(?:\\{[^}\\n]*?\\bversion[ \\t]*=[ \\t]*)?"([^"\\n]*)"`,
    'gm',
  );
  const assigned = all(text, pattern, ([, written = '']) => {
    const exact = /^(?:===?)?\s*(\d+(?:\.\d+)+[\w.+-]*)$/.exec(written.trim());
    return { version: exact?.[1] ?? written, exact: exact !== null };
  });
  return [...inRequirements(text, framework), ...assigned];
}

/** conda's `- transformers=4.57.6` and pip's `- transformers==4.57.6`; PyTorch is `pytorch` to conda. */
function inEnvironment(text: string, framework: string): Pin[] {
  const name = framework === 'torch' ? '(?:torch|pytorch)' : framework;
  const pattern = new RegExp(
    `^[ \\t]*-[ \\t]*["']?(?:[\\w-]+::)?${name}(?:\\[[\\w,\\s-]*\\])?[ \\t]*(={1,3}|[<>~!]=?)[ \\t]*([\\w.+!*-]+)([^#"'\\n;]*)`,
    'gm',
  );
  return all(text, pattern, ([, operator = '', version = '', rest = '']) => ({
    version,
    // conda's single = is a prefix: 4.57 is any 4.57.x.
    exact: operator === '=' ? /^\d+\.\d+\.\d/.test(version) && !rest.includes(',') : isExact(operator, version, rest),
  }));
}

/** `pip install transformers==5.1.0` in a Dockerfile or a script, comments left out. */
function inCommands(text: string, framework: string): Pin[] {
  if (!/\bpip3? install\b|\buv (?:pip|add|tool)\b|\bpoetry add\b/.test(text)) return [];
  const pattern = new RegExp(
    `(?<=^|[\\s"'])${framework}(?:\\[[\\w,-]*\\])?(==|[<>~!]=?)([\\w.+!*-]+)((?:,[^\\s"']*)?)`,
    'gm',
  );
  return all(text, pattern, (match) => {
    const line = text.slice(text.lastIndexOf('\n', match.index - 1) + 1, match.index);
    if (/^\s*#/.test(line)) return undefined;
    const [, operator = '', version = '', rest = ''] = match;
    return { version, exact: isExact(operator, version, rest) };
  });
}

/** What a Dockerfile installs, else what the only image it starts from has. */
function inDockerfile(text: string, framework: FrameworkName): Pin[] {
  const installed = inCommands(text, framework);
  const images = all(text, /^FROM[ \t]+(?:--platform=\S+[ \t]+)?(\S+)/gim, ([, image = '']) => ({
    version: image,
    exact: true,
  }));
  const [image] = images;
  if (installed.length > 0 || !image || images.length > 1 || isReplaced(framework, text)) return installed;
  const version = imageContents(image.version)?.releases[framework];
  return version === undefined ? [] : [{ ...image, version }];
}
