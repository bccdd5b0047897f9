import type { PageData } from '../../server/src/core/features/breakdown-page';
import { type Editor, editorOf, type ToView, type ViewAction } from './editor';
import { h } from './elements';
import { factsSection } from './facts';
import { memorySection } from './memory';
import { scalingSection } from './scaling';
import { timelineSection } from './timeline';
import { trafficSection } from './topology';

/** Charts are drawn as wide as the page, but neither unreadably narrow nor wider than eyes follow. */
const WIDTHS = { least: 360, most: 960 };

const ACTIONS: readonly (readonly [ViewAction, string])[] = [
  ['make-it-fit', 'Make it fit, or faster'],
  ['where-would-it-run', 'Where would this run?'],
  ['pick-target', 'Change target'],
  ['set-model', 'Set model'],
  ['set-sequence-length', 'Set sequence length'],
  ['calibrate', "Calibrate from a run's log…"],
  ['open-settings', 'Open shardlens.json'],
];

const main = document.getElementById('view');
const data = document.getElementById('data')?.textContent;
if (main && data) start(main, JSON.parse(data) as PageData);

function start(root: HTMLElement, first: PageData): void {
  const editor = editorOf(document.body.dataset.uri ?? '');
  let shown = first;
  const open = new Set(editor?.state.open ?? []);
  let width = widthOf(root);
  const draw = () => redraw(root, shown, width, editor, open);
  draw();
  scrollTo(0, editor?.state.scroll ?? 0);

  addEventListener('message', ({ data: message }: MessageEvent<ToView>) => {
    if (message?.type !== 'data' || JSON.stringify(message.data) === JSON.stringify(shown)) return;
    shown = message.data;
    draw();
  });
  new ResizeObserver(() => {
    const now = widthOf(root);
    if (Math.abs(now - width) < 8) return;
    width = now;
    draw();
  }).observe(root);
  const keep = () => editor?.keep({ open: [...open], scroll: scrollY });
  // `toggle` does not bubble.
  root.addEventListener(
    'toggle',
    ({ target }) => {
      if (!(target instanceof HTMLDetailsElement)) return;
      const id = target.dataset.id ?? '';
      if (target.open) open.add(id);
      else open.delete(id);
      keep();
    },
    true,
  );
  if (!editor) return;
  keep();
  editor.ready();
  addEventListener('scroll', keep, { passive: true });
}

function widthOf(root: HTMLElement): number {
  return Math.round(Math.min(WIDTHS.most, Math.max(WIDTHS.least, root.clientWidth)));
}

/** Draws everything anew; what was open stays open, and what had the focus keeps it. */
function redraw(root: HTMLElement, data: PageData, width: number, editor: Editor | undefined, open: Set<string>): void {
  const focused = document.activeElement?.closest('[data-id]')?.getAttribute('data-id');
  root.replaceChildren(...page(data, width, editor));
  for (const element of root.querySelectorAll('details')) {
    const id = element.dataset.id ?? '';
    element.open = open.has(id);
  }
  if (!focused) return;
  const again = [...root.querySelectorAll<HTMLElement>('[data-id]')].find((it) => it.dataset.id === focused);
  (again?.querySelector('summary') ?? again)?.focus({ preventScroll: true });
}

function page({ view, problem }: PageData, width: number, editor: Editor | undefined): HTMLElement[] {
  if (!view) return [h('h1', {}, 'Breakdown'), h('p', {}, problem)];
  return [
    h('h1', {}, view.title),
    h('p', { class: 'summary' }, view.summary),
    ...(editor ? [toolbar(editor)] : []),
    section('memory', 'Memory by phase', memorySection(view, width)),
    section('step', 'The step', timelineSection(view, width)),
    section('traffic', 'Traffic by link', trafficSection(view)),
    section('scaling', 'More nodes', scalingSection(view, width)),
    section('facts', 'What it rests on', factsSection(view, editor)),
  ];
}

function section(id: string, title: string, children: readonly HTMLElement[]): HTMLElement {
  return h('section', { 'aria-labelledby': id }, h('h2', { id }, title), ...children);
}

function toolbar(editor: Editor): HTMLElement {
  const buttons = ACTIONS.map(([action, words]) => {
    const button = h('button', { type: 'button', 'data-id': action }, words);
    button.addEventListener('click', () => editor.act(action, null));
    return button;
  });
  return h('div', { class: 'toolbar', role: 'group', 'aria-label': 'Change the run' }, ...buttons);
}
