import type { Analysis } from '../analysis';
import type { Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Path } from '../source';
import type { Hint } from './inlay-hints';
import { originWords } from './origin-words';

/** After each `"auto"`: the value it becomes, and the setting that gives it. Where that is not known, nothing. */
export function autoHints(analysis: Analysis, run: TrainingRun): Hint[] {
  return run.autos.flatMap(({ setting, value, unfilled }) => {
    const { node, config } = setting;
    if (!node || config.file.path !== analysis.file.path) return [];
    if (unfilled) {
      return [
        {
          offset: node.end,
          kind: 'auto' as const,
          label: 'nobody fills this',
          tooltip: `Nobody fills \`auto\` in ${setting.path}.`,
        },
      ];
    }
    if (!value.known) return [];
    const text = written(value.value);
    const from = originWords(giverOf(value.origin, analysis.file.path), run);
    return [
      {
        offset: node.end,
        kind: 'auto' as const,
        label: labelOf(text, from),
        tooltip: `\`auto\` becomes **${text}**, from ${from}.`,
      },
    ];
  });
}

/** The setting in another place that gives the value, where there is one; else all that is known of its source. */
function giverOf(origin: Origin, own: Path): Origin {
  if (origin.kind !== 'derived') return origin;
  const others = origin.from.filter((from) => !(from.kind === 'file' && from.path === own));
  const [giver] = others;
  return others.length === 1 && giver ? giverOf(giver, own) : origin;
}

/** With file and line where they fit; VS Code cuts longer hints by itself, and less well. */
function labelOf(text: string, from: string): string {
  const whole = `= ${text} ← ${from}`;
  if (whole.length <= MAX_LABEL) return whole;
  // The place says where to look; the tooltip names the key.
  const place = /, (\S+:\d+)$/.exec(from)?.[1];
  return shortened(`= ${text} ← ${place ?? gist(from)}`);
}

/** The first clause: `10 × hidden_size = 40960, with hidden_size from …` is for the tooltip. */
function gist(words: string): string {
  return words.split(/ = | \(|, /, 1)[0] ?? words;
}

/** A hint stands inside a line of code. */
function shortened(text: string): string {
  return text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text;
}

/** `editor.inlayHints.maximumLength` of VS Code. */
const MAX_LABEL = 43;

function written(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : JSON.stringify(value);
}
