import type { BreakdownView, NodeView } from '../../server/src/core/features/breakdown-view';
import { h, s } from './elements';
import { LINKS } from './groups';
import { billTable, details, table } from './table';
import { type LinkLoad, loadsOf, loadWords, rateWords, trafficCells } from './traffic-rows';

/** More GPUs than this are drawn as a row with a gap. */
const MOST_DRAWN = 8;
const WIDTH = 640;
const MIDDLE = WIDTH / 2;
const BOX = { width: 62, height: 34 };
/** Height of the wires between two rows of boxes, with three lines of words over them. */
const WIRES = 92;
const LINE = 16;

/** The node with its links, each with what it carries in a step. */
export function trafficSection({ node, step, tables }: BreakdownView): HTMLElement[] {
  const bill = tables.traffic.flatMap(billTable);
  if (!node) return [h('p', {}, 'The hardware is not known, so its links are not either.'), ...bill];
  const loads = loadsOf(node, step);
  const carried = (load: LinkLoad) => (step ? loadWords(load, loads) : '');
  const words = loads.map((load) => {
    const bytes = carried(load);
    return `${LINKS[load.link.link]}: ${load.link.label}, ${rateWords(load.link)}${bytes === '' ? '' : `; ${bytes}`}`;
  });
  const rows = trafficCells(node, step);
  const columns = ['what', 'path', 'link', 'bytes per GPU and step', 'time', 'of it hidden'];
  return [
    h('p', {}, `${node.label}. Rates are of one direction, as large transfers reach them.`),
    h('div', { class: 'picture' }, drawing(node, loads, carried, `The node and its links. ${words.join('. ')}.`)),
    h('ul', {}, ...words.map((line) => h('li', {}, line))),
    ...(rows.length > 0
      ? [
          details(
            'traffic',
            'Traffic of a step as a table',
            table({ caption: 'Traffic of a step', columns, figures: [3, 4, 5], rows }),
          ),
        ]
      : []),
    ...(bill.length > 0 ? [details('traffic-bill', 'Verdicts on links and offload', ...bill)] : []),
  ];
}

/** From top to bottom: drives, host, GPUs, the link between them, other nodes. */
function drawing(
  node: NodeView,
  loads: readonly LinkLoad[],
  carried: (load: LinkLoad) => string,
  words: string,
): SVGElement {
  const of = (link: LinkLoad['link']['link']) => loads.filter((load) => load.link.link === link);
  const heaviest = Math.max(1, ...loads.map(({ bytes }) => bytes));
  const thickness = ({ bytes }: LinkLoad) => 1.5 + 5 * (bytes / heaviest);
  const columns = gpuColumns(node.gpusPerNode);
  const wires: SVGElement[] = [];
  const boxes: SVGElement[] = [];
  const texts: SVGElement[] = [];
  const say = (y: number, load: LinkLoad) =>
    void texts.push(...label(y, [load.link.label, rateWords(load.link)], carried(load)));
  let y = 8;
  for (const load of of('nvme')) {
    boxes.push(...box(MIDDLE - 80, y, 160, 'NVMe drives'));
    wires.push(line(MIDDLE, y + BOX.height, MIDDLE, y + BOX.height + WIRES, thickness(load), 'nvme'));
    say(y + BOX.height + 30, load);
    y += BOX.height + WIRES;
  }
  boxes.push(...box(20, y, WIDTH - 40, 'host: CPU and memory'));
  y += BOX.height;
  for (const load of of('host')) {
    for (const { x } of columns) wires.push(line(x, y, x, y + WIRES, thickness(load), 'host'));
    say(y + 30, load);
  }
  y += WIRES;
  for (const { x, name } of columns) boxes.push(...box(x - BOX.width / 2, y, BOX.width, name));
  if (node.gpusPerNode > MOST_DRAWN) texts.push(textAt(MIDDLE, y + 22, '…'));
  y += BOX.height;
  for (const load of of('intra')) {
    const [left = 0, right = 0] = [columns[0]?.x, columns.at(-1)?.x];
    for (const { x } of columns) wires.push(line(x, y, x, y + WIRES - 8, thickness(load), 'intra'));
    y += WIRES - 8;
    wires.push(line(left, y, right, y, thickness(load) + 2, 'intra'));
    say(y - WIRES + 36, load);
  }
  for (const load of of('inter')) {
    wires.push(line(MIDDLE, y, MIDDLE, y + WIRES, thickness(load), 'inter'));
    say(y + 34, load);
    y += WIRES;
    boxes.push(...box(MIDDLE - 110, y, 220, node.nodes === 2 ? 'the other node' : `${node.nodes - 1} other nodes`));
    y += BOX.height;
  }
  return s(
    'svg',
    { class: 'chart topology', viewBox: `0 0 ${WIDTH} ${y + 8}`, role: 'img', 'aria-label': words },
    ...wires,
    ...boxes,
    ...texts,
  );
}

function gpuColumns(gpus: number): { readonly x: number; readonly name: string }[] {
  const drawn = Math.min(gpus, MOST_DRAWN);
  const pitch = (WIDTH - 40) / MOST_DRAWN;
  const left = MIDDLE - (pitch * (drawn - 1)) / 2;
  // With a gap in the middle, the last ones drawn are the last ones there are.
  const number = (index: number) => (gpus <= MOST_DRAWN || index < drawn / 2 ? index : gpus - drawn + index);
  return Array.from({ length: drawn }, (_, index) => ({ x: left + pitch * index, name: `GPU ${number(index)}` }));
}

function box(x: number, y: number, width: number, name: string): SVGElement[] {
  const { height } = BOX;
  return [s('rect', { class: 'box', x, y, width, height, rx: 4 }), textAt(x + width / 2, y + height / 2 + 4, name)];
}

function line(x1: number, y1: number, x2: number, y2: number, width: number, kind: string): SVGElement {
  return s('line', { class: `wire ${kind}`, x1, y1, x2, y2, 'stroke-width': width.toFixed(1) });
}

/** Lines over the wires, on a ground of the page's colour: the link with its rate, and what it carries. */
function label(y: number, link: readonly string[], carried: string): SVGElement[] {
  // Letters of this size are about 6.6 units wide; those of the bold line a little more.
  const width = Math.max(...link.map(({ length }) => length * 6.6), carried.length * 7.2) + 12;
  const lines = carried === '' ? link : [...link, carried];
  return [
    s('rect', { class: 'ground', x: MIDDLE - width / 2, y: y - 14, width, height: 4 + LINE * lines.length }),
    ...lines.map((text, index) => textAt(MIDDLE, y + LINE * index, text, index < link.length ? '' : 'strong')),
  ];
}

function textAt(x: number, y: number, text: string, kind = ''): SVGElement {
  return s('text', { class: kind, x, y, 'text-anchor': 'middle', 'font-size': 12 }, text);
}
