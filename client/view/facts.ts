import type { AssumptionView, BreakdownView, FactView, SetAction } from '../../server/src/core/features/breakdown-view';
import type { Editor } from './editor';
import { h } from './elements';
import { table } from './table';

/** What each action is called, and what does the same on the command line. */
const ACTIONS: Readonly<Record<SetAction, { readonly words: string; readonly flag: string }>> = {
  'set-model': { words: 'Set model', flag: '--model' },
  'set-sequence-length': { words: 'Set sequence length', flag: '--seq-len' },
  calibrate: { words: 'Calibrate from a log', flag: 'shardlens calibrate' },
  'pick-target': { words: 'Change target', flag: '--hardware, --nodes, --gpus' },
  'open-settings': { words: 'Open shardlens.json', flag: 'shardlens.json' },
};

/** What the estimate rests on: facts with where they come from, assumptions with why, and a way to set each. */
export function factsSection({ facts, assumptions }: BreakdownView, editor: Editor | undefined): HTMLElement[] {
  const last = editor ? 'set' : 'set with';
  const tables = [
    table({
      caption: 'What the run is',
      columns: ['fact', 'value', 'from', last],
      rows: facts.map((fact) => [
        fact.what,
        fact.value,
        sourceOf(fact, editor),
        setter(fact.what, fact.set, null, editor),
      ]),
    }),
  ];
  if (assumptions.length === 0) return [...tables, h('p', {}, 'Nothing else is assumed.')];
  tables.push(
    table({
      caption: 'What is assumed, and what follows',
      columns: ['what', 'value', 'because', last],
      rows: assumptions.map((it: AssumptionView) => [
        it.what,
        it.value,
        it.because,
        setter(it.what, it.set, it.key, editor),
      ]),
    }),
  );
  return tables;
}

/** In the editor, a click leads to the line. */
function sourceOf({ from, place, what }: FactView, editor: Editor | undefined): string | Node {
  if (!place || !editor) return from;
  const button = h(
    'button',
    { type: 'button', class: 'link', 'data-id': `open-${what}`, 'aria-label': `${from}: open` },
    from,
  );
  button.addEventListener('click', () => editor.open(place));
  return button;
}

function setter(what: string, action: SetAction | null, key: string | null, editor: Editor | undefined): string | Node {
  if (!action) return '';
  const { words, flag } = ACTIONS[action];
  if (!editor) return key === null ? flag : `${key} in shardlens.json`;
  const shown = key === null ? words : `Set ${key}`;
  const button = h('button', { type: 'button', 'data-id': `set-${what}`, 'aria-label': `${shown} (${what})` }, shown);
  button.addEventListener('click', () => editor.act(action, key));
  return button;
}
