import type { CompareAnswer, TargetAnswer } from '../lsp/protocol';
import type { EstimateArguments } from './arguments';
import type { Client } from './client';
import { coloursFor } from './colour';
import { pricesOf } from './prices';
import { shownPath } from './report';
import { table, widthFor, wrapped } from './table';
import { UsageError } from './usage';

/** The run of a file on several targets. Throws a {@link UsageError} where shardlens.json has no such target. */
export async function comparison(
  client: Client,
  file: string,
  compare: NonNullable<EstimateArguments['compare']>,
): Promise<CompareAnswer> {
  const found = await client.compare(file, compare === 'all' ? undefined : compare);
  if (!found) throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to estimate.`);
  const [unknown] = found.unknown;
  const names = found.names.length > 0 ? `there is ${found.names.join(', ')}` : 'shardlens.json names none';
  if (unknown !== undefined) throw new UsageError(`no target is called "${unknown}"; ${names}.`);
  if (found.targets.length === 0) throw new UsageError('shardlens.json names no targets.');
  return found;
}

/** The targets as `--format json` prints them beside the file; described by schemas/output.schema.json. */
export function comparedOutput({ targets }: CompareAnswer) {
  return targets.map(({ words: _, ...target }) => target);
}

/** One row a target: whether it fits, memory, step, rate and price. */
export function comparisonText({ path, targets }: CompareAnswer): string {
  const colours = coloursFor(process.stdout);
  const width = widthFor(process.stdout);
  const withEpoch = targets.some(({ usdPerEpoch }) => usdPerEpoch !== null);
  const columns = [
    { title: 'target', align: 'left' },
    { title: 'machine', align: 'left' },
    { title: 'fits', align: 'left' },
    { title: 'memory per GPU', align: 'left' },
    { title: 'batch', align: 'right' },
    { title: 'step', align: 'right' },
    { title: 'tokens/s', align: 'right' },
    { title: 'USD per billion tokens', align: 'right' },
    ...(withEpoch ? [{ title: 'USD per epoch', align: 'right' } as const] : []),
  ] as const;
  const rows = targets.map((target) => [...rowOf(target), ...(withEpoch ? [target.words.epoch] : [])]);
  const missing = targets.flatMap(({ target, why }) => (why === null ? [] : [`${target}: ${why}.`]));
  return [
    `${colours.strong(shownPath(path))}\n`,
    'The batch of each GPU stays as written, so more GPUs take more samples a step: compare rates, not steps.\n\n',
    table(columns, rows, { width }),
    missing.length === 0 ? '' : `\n${missing.map((line) => `  ${wrapped(line, width - 4).join('\n    ')}\n`).join('')}`,
    pricesOf(targets),
  ].join('');
}

function rowOf({ target, hardware, globalBatch, words, ...figures }: TargetAnswer): string[] {
  const batch = globalBatch === null ? '' : String(globalBatch);
  return [
    target,
    hardware ?? 'not known',
    verdict(figures),
    words.memory,
    batch,
    words.step,
    words.tokensPerSecond,
    words.usd,
  ];
}

function verdict({
  memoryPerGpu,
  hostMemoryPerNode,
}: Pick<TargetAnswer, 'memoryPerGpu' | 'hostMemoryPerNode'>): string {
  if (!memoryPerGpu || memoryPerGpu.capacity === null) return '';
  if (memoryPerGpu.fits === false) return 'no';
  if (hostMemoryPerNode?.fits === false) return 'not the host';
  return memoryPerGpu.fits === true ? 'yes' : 'cannot tell';
}
