import type { Curve, Scaling, ScalingPoint } from '../../server/src/core/recommend/scaling';
import { counted, formatCount, formatGib, formatPercent, formatSeconds } from '../../server/src/core/text/format';

export const SCALING_COLUMNS = [
  'nodes',
  'GPUs',
  'micro × accumulation',
  'global batch',
  'step',
  'tokens/s',
  'efficiency',
  'memory per GPU',
];

/** Rows of a curve's table, in the order of {@link SCALING_COLUMNS}. */
export function scalingCells({ points }: Curve): string[][] {
  return points.map(
    ({ nodes, gpus, micro, accumulation, global, stepSeconds, tokensPerSecond, efficiency, ...memory }) => [
      String(nodes),
      formatCount(gpus),
      `${micro} × ${accumulation}`,
      formatCount(global),
      formatSeconds(stepSeconds),
      formatCount(tokensPerSecond),
      formatPercent(efficiency),
      memoryWords(memory),
    ],
  );
}

type Memory = 'memoryBytes' | 'fits' | 'open' | 'hostIsFull';

/** What is not known is not close. */
function memoryWords({ memoryBytes, fits, open, hostIsFull }: Pick<ScalingPoint, Memory>): string {
  if (memoryBytes === null) return 'not known';
  if (hostIsFull) return `${formatGib(memoryBytes)}, host memory does not fit`;
  const verdict = fits === true ? 'fits' : fits === false ? 'does not fit' : undefined;
  return `${formatGib(memoryBytes)}, ${verdict ?? (open === null ? 'too close to call' : `cannot be told: ${open}`)}`;
}

/** Where more nodes stop paying, in one sentence. */
export function payingWords({ fixed, paysUntil, nodes }: Scaling): string {
  const global = fixed.points.find((point) => point.nodes === nodes)?.global ?? fixed.points[0]?.global;
  if (paysUntil === null || global === undefined) return 'The global batch is not known, so its scaling is not either.';
  const first = fixed.points.findIndex(({ fits }) => fits !== false);
  const fewest = fixed.points[first]?.nodes;
  const fitting =
    first === 0
      ? ''
      : fewest === undefined
        ? ' It fits on none of these.'
        : ` It does not fit on fewer than ${fewest}.`;
  const batch = `With the global batch of ${formatCount(global)} samples kept`;
  const last = fixed.points[fixed.points.length - 1]?.nodes;
  if (paysUntil !== last)
    return `${batch}, going beyond ${counted(paysUntil, 'node')} does not pay: nodes added yield less than half of what they cost.${fitting}`;
  const until = `${batch}, more nodes pay up to ${counted(paysUntil, 'node')}`;
  return `${until}${fixed.why === null ? '' : `; ${fixed.why}`}.${fitting}`;
}

/** A point of the plot. */
export interface Plotted {
  readonly curve: string;
  readonly nodes: number;
  readonly tokensPerSecond: number;
  readonly efficiency: number;
  readonly fits: boolean;
  readonly title: string;
}

export const CURVES = { growing: 'batch grows with the nodes', fixed: 'global batch kept', ideal: 'ideal' } as const;

/** Both curves, and what would be reached if every node added as much as the first. */
export function plottedOf({ growing, fixed }: Scaling): Plotted[] {
  const of = (curve: string, { points }: Curve): Plotted[] =>
    points.map(({ nodes, tokensPerSecond, efficiency, fits }) => ({
      curve,
      nodes,
      tokensPerSecond,
      efficiency,
      // What cannot be told is not drawn as if it did not fit.
      fits: fits !== false,
      title: `${counted(nodes, 'node')}, ${curve}: ${formatCount(tokensPerSecond)} tokens/s, efficiency ${formatPercent(efficiency)}${fits === false ? ', does not fit' : ''}`,
    }));
  const reference = growing.points.find(({ nodes }) => nodes === growing.reference);
  const perNode = reference ? reference.tokensPerSecond / reference.nodes : 0;
  const ideal = growing.points.map(({ nodes }) => ({
    curve: CURVES.ideal,
    nodes,
    tokensPerSecond: perNode * nodes,
    efficiency: 1,
    fits: true,
    title: `${counted(nodes, 'node')}, ideal: ${formatCount(perNode * nodes)} tokens/s`,
  }));
  return [...ideal, ...of(CURVES.growing, growing), ...of(CURVES.fixed, fixed)];
}
