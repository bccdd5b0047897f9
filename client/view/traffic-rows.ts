import type { Traffic } from '../../server/src/core/estimate/estimate';
import type { LinkView, NodeView, StepView } from '../../server/src/core/features/breakdown-view';
import { formatRate, formatSeconds } from '../../server/src/core/text/format';
import { LINKS } from './groups';

/** What one link carries in a step. */
export interface LinkLoad {
  readonly link: LinkView;
  /** Of one GPU; of one node for NVMe. */
  readonly bytes: number;
  /** With what is hidden behind other work. */
  readonly seconds: number;
}

/** Every link of the node with its load; a path that two classes of links share is counted at the first. */
export function loadsOf(node: NodeView, step: StepView | null): LinkLoad[] {
  const seen = new Set<Traffic['link']>();
  return node.links.map((link) => {
    const terms = seen.has(link.link) ? [] : (step?.terms ?? []);
    const carrying = terms.filter(({ traffic }) => traffic?.link === link.link);
    seen.add(link.link);
    return {
      link,
      // The link inside a node carries its part of what groups across nodes send, too.
      bytes: terms.reduce((sum, { traffic }) => sum + carriedBy(link.link, traffic), 0),
      seconds: carrying.reduce((sum, { seconds, hiddenSeconds }) => sum + seconds + hiddenSeconds, 0),
    };
  });
}

function carriedBy(link: Traffic['link'], traffic: Traffic | null): number {
  if (traffic?.link === link) return traffic.bytes;
  return link === 'intra' ? (traffic?.inside ?? 0) : 0;
}

/** Traffic in vendors' decimal units, as rates are: `479.8 GB`. */
export function formatTraffic(bytes: number): string {
  if (bytes === 0) return 'nothing';
  if (bytes >= 1e12) return `${(bytes / 1e12).toFixed(1)} TB`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e3).toFixed(1)} kB`;
}

/** `479.8 GB per GPU and step, 1.85 s`. */
export function loadWords(load: LinkLoad, all: readonly LinkLoad[]): string {
  const { link, bytes, seconds } = load;
  if (bytes === 0) return 'carries nothing in a step';
  const spans = link.link === 'intra' && seconds === 0 && all.some((it) => it.link.link === 'inter' && it.bytes > 0);
  if (spans) return `${formatTraffic(bytes)} per GPU and step, its part of what groups across nodes send`;
  const of = link.link === 'nvme' ? 'node' : 'GPU';
  const where = link.link === 'inter' ? ' leave the node' : '';
  return `${formatTraffic(bytes)} per ${of} and step${where}, ${formatSeconds(seconds)}`;
}

/** `234 GB/s reached (measured)`: what large transfers reach of what vendors name the link after. */
export function rateWords({ bytesPerSecond, ringBytesPerSecond, basis }: LinkView): string {
  const known = basis === '' ? '' : ` (${basis})`;
  if (bytesPerSecond === null) return `rate${known === '' ? ' not known' : known}`;
  const ring = ringBytesPerSecond === null ? '' : ` per GPU, ${formatRate(ringBytesPerSecond)} by a whole node,`;
  return `${formatRate(bytesPerSecond)}${ring} reached${known}`;
}

/** Rows of the table beside the drawing: every term that moves something. */
export function trafficCells(node: NodeView, step: StepView | null): string[][] {
  return (step?.terms ?? []).flatMap(({ label, traffic, seconds, hiddenSeconds }) => {
    if (!traffic) return [];
    const link = node.links.find((it) => it.link === traffic.link);
    return [
      [
        label,
        LINKS[traffic.link],
        link?.label ?? '',
        // Drives are shared by the GPUs of a node.
        `${formatTraffic(traffic.bytes)}${traffic.link === 'nvme' ? ' per node' : ''}${traffic.inside ? `, and ${formatTraffic(traffic.inside)} inside the node` : ''}`,
        formatSeconds(seconds + hiddenSeconds),
        hiddenSeconds > 0 ? formatSeconds(hiddenSeconds) : '',
      ],
    ];
  });
}
