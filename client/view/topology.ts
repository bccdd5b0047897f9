import type { BreakdownView, NodeView } from '../../server/src/core/features/breakdown-view';
import { h, s } from './elements';
import { LINKS } from './groups';
import { billTable, details, table } from './table';
import { type LinkLoad, linkWords, loadsOf, loadWords, trafficCells } from './traffic-rows';

/** More GPUs than this are drawn as a row with a gap. */
const MOST_DRAWN = 8;
const WIDTH = 640;
const BOX = { width: 62, height: 34 };

/** The node with its links, each with what it carries in a step. */
export function trafficSection({ node, step, tables }: BreakdownView): HTMLElement[] {
  const bill = tables.traffic.flatMap(billTable);
  if (!node) return [h('p', {}, 'The hardware is not known, so its links are not either.'), ...bill];
  const loads = loadsOf(node, step);
  const words = loads.map(
    (load) => `${LINKS[load.link.link]}: ${[linkWords(load.link), loadWords(load, step)].filter(Boolean).join('; ')}`,
  );
  const rows = trafficCells(node, step);
  const columns = ['what', 'path', 'link', 'bytes per GPU and step', 'time', 'of it hidden'];
  return [
    h('p', {}, `${node.label}. Rates are per GPU and direction, as large transfers reach them.`),
    h('div', { class: 'picture' }, drawing(node, loads, step !== null, `The node and its links. ${words.join('. ')}.`)),
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

function drawing(node: NodeView, loads: readonly LinkLoad[], timed: boolean, words: string): SVGElement {
  const of = (link: LinkLoad['link']['link']) => loads.filter((load) => load.link.link === link);
  const [host, nvme, intra, inter] = [of('host')[0], of('nvme')[0], of('intra'), of('inter')[0]];
  const columns = gpuColumns(node.gpusPerNode);
  const heaviest = Math.max(1, ...loads.map(({ bytes }) => bytes));
  const thickness = (load: LinkLoad | undefined) => (load ? 1.5 + 5 * (load.bytes / heaviest) : 1.5);
  const gpuTop = 128;
  const gpuBottom = gpuTop + BOX.height;
  const busTop = gpuBottom + 44;
  const netTop = busTop + 40 + 44 * Math.max(0, intra.length - 1);
  const height = inter ? netTop + 104 : intra.length > 0 ? netTop + 8 : gpuBottom + 20;
  const parts: SVGElement[] = [
    ...box(90, 12, WIDTH - 180 - (nvme ? 140 : 0), BOX.height, 'host: CPU and memory'),
    ...columns.map(({ x }) => line(x, 12 + BOX.height, x, gpuTop, thickness(host), 'host')),
    ...(host ? label(WIDTH / 2, 74, host, timed) : []),
    ...columns.flatMap(({ x, name }) => box(x - BOX.width / 2, gpuTop, BOX.width, BOX.height, name)),
    ...(node.gpusPerNode > MOST_DRAWN ? [textAt(WIDTH / 2 + 4, gpuTop + 21, '…')] : []),
  ];
  if (nvme)
    parts.push(...box(WIDTH - 210, 12, 120, BOX.height, 'NVMe drives'), ...label(WIDTH - 150, 62, nvme, timed, 10));
  if (intra.length > 0) {
    const [first] = columns;
    const last = columns[columns.length - 1];
    for (const { x } of columns) parts.push(line(x, gpuBottom, x, busTop, thickness(intra[0]), 'intra'));
    parts.push(line(first?.x ?? 0, busTop, last?.x ?? 0, busTop, thickness(intra[0]) + 2, 'intra'));
    intra.forEach((load, index) => {
      parts.push(...label(WIDTH / 2, gpuBottom + 18 + index * 84, load, timed));
    });
  }
  if (inter) {
    parts.push(
      line(WIDTH / 2, intra.length > 0 ? busTop : gpuBottom, WIDTH / 2, netTop + 60, thickness(inter), 'inter'),
    );
    parts.push(...label(WIDTH / 2, netTop + 14, inter, timed));
    const others = node.nodes === 2 ? 'the other node' : `${node.nodes - 1} other nodes`;
    parts.push(...box(WIDTH / 2 - 110, netTop + 60, 220, BOX.height, others));
  }
  return s(
    'svg',
    { class: 'chart topology', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': words },
    ...parts,
  );
}

function gpuColumns(gpus: number): { readonly x: number; readonly name: string }[] {
  const drawn = Math.min(gpus, MOST_DRAWN);
  const pitch = (WIDTH - 40) / MOST_DRAWN;
  const left = WIDTH / 2 - (pitch * (drawn - 1)) / 2;
  // With a gap in the middle, the last ones drawn are the last ones there are.
  const number = (index: number) => (gpus <= MOST_DRAWN || index < drawn / 2 ? index : gpus - drawn + index);
  return Array.from({ length: drawn }, (_, index) => ({ x: left + pitch * index, name: `GPU ${number(index)}` }));
}

function box(x: number, y: number, width: number, height: number, name: string): SVGElement[] {
  return [s('rect', { class: 'box', x, y, width, height, rx: 4 }), textAt(x + width / 2, y + height / 2 + 4, name)];
}

function line(x1: number, y1: number, x2: number, y2: number, width: number, kind: string): SVGElement {
  return s('line', { class: `wire ${kind}`, x1, y1, x2, y2, 'stroke-width': width.toFixed(1) });
}

/** Two lines over the wires: the link with its rate, and what it carries. */
function label(x: number, y: number, load: LinkLoad, timed: boolean, size = 12): SVGElement[] {
  const carried = timed ? loadWords(load, TIMED) : '';
  return [
    textAt(x, y, linkWords(load.link), 'halo', size),
    ...(carried === '' ? [] : [textAt(x, y + 16, carried, 'halo strong', size)]),
  ];
}

/** Only tells {@link loadWords} that a step is known. */
const TIMED = { seconds: 0, low: 0, high: 0, bottleneck: '', terms: [] };

function textAt(x: number, y: number, text: string, kind = '', size = 12): SVGElement {
  return s('text', { class: kind, x, y, 'text-anchor': 'middle', 'font-size': size }, text);
}
