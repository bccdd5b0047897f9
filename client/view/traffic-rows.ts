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
    const carrying = seen.has(link.link)
      ? []
      : (step?.terms ?? []).filter(({ traffic }) => traffic?.link === link.link);
    seen.add(link.link);
    return {
      link,
      bytes: carrying.reduce((sum, { traffic }) => sum + (traffic?.bytes ?? 0), 0),
      seconds: carrying.reduce((sum, { seconds, hiddenSeconds }) => sum + seconds + hiddenSeconds, 0),
    };
  });
}

/** Traffic in vendors' decimal units, as rates are: `479.8 GB`. */
export function formatTraffic(bytes: number): string {
  if (bytes === 0) return 'nothing';
  if (bytes >= 1e12) return `${(bytes / 1e12).toFixed(1)} TB`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e3).toFixed(1)} kB`;
}

/** `479.8 GB per GPU and step, 1.85 s`; what is not known is left out. */
export function loadWords({ link, bytes, seconds }: LinkLoad, step: StepView | null): string {
  if (!step) return '';
  if (bytes === 0) return 'carries nothing in a step';
  return `${formatTraffic(bytes)} per ${link.link === 'nvme' ? 'node' : 'GPU'} and step, ${formatSeconds(seconds)}`;
}

/** Vendors' names carry the rate already; `300 GB/s` is said once. */
export function linkWords({ label, bytesPerSecond, basis }: LinkView): string {
  const rate = bytesPerSecond === null ? '' : `, ${formatRate(bytesPerSecond)} reached`;
  return `${label}${rate}${basis === '' ? '' : ` (${basis})`}`;
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
        formatTraffic(traffic.bytes),
        formatSeconds(seconds + hiddenSeconds),
        hiddenSeconds > 0 ? formatSeconds(hiddenSeconds) : '',
      ],
    ];
  });
}
