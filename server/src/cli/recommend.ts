import type { MachineAnswer, MachinesAnswer } from '../lsp/protocol';
import { estimateArguments } from './arguments';
import { coloursFor } from './colour';
import { missingFlags, openOne, showProgress } from './one-file';
import { print } from './output';
import { pricesOf } from './prices';
import { shownPath } from './report';
import { table, widthFor } from './table';
import { status, UsageError } from './usage';

/** `shardlens hardware recommend FILE`: the targets and machines on which the run surely fits, the cheapest per token first. */
export async function recommend(words: readonly string[]): Promise<number> {
  const args = estimateArguments(words, 'hardware recommend');
  const { client, file, checked } = await openOne('recommend for', args, { report: true });
  const found = await client.machines(file, showProgress('machines'));
  if (!found) throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to place.`);
  if (checked.run?.model === null || checked.run?.sequenceLength === null) {
    const missing = missingFlags({ ...checked, run: { ...checked.run, hardware: 'any' } });
    throw new UsageError(
      `where it fits depends on what is not known here. Name it with ${missing}, or once in shardlens.json.`,
    );
  }
  if (args.format === 'json') print(`${JSON.stringify(outputOf(found), null, 2)}\n`);
  else print(textOf(found));
  return found.machines.length > 0 ? status.ok : status.findings;
}

/** What `--format json` prints; described by schemas/recommend-output.schema.json. */
function outputOf(found: MachinesAnswer) {
  const machines = found.machines.map(({ words: _, ...machine }) => machine);
  return { version: 1, ...found, machines, path: shownPath(found.path) };
}

function textOf({ path, why, machines, others }: MachinesAnswer): string {
  const colours = coloursFor(process.stdout);
  const head = `${colours.strong(shownPath(path))}\n`;
  if (machines.length === 0) return `${head}${why ?? 'It fits nowhere'}.\n`;
  const withEpoch = machines.some(({ usdPerEpoch }) => usdPerEpoch !== null);
  const columns = [
    { title: 'machine', align: 'left' },
    { title: 'memory per GPU', align: 'left' },
    { title: 'step', align: 'right' },
    { title: 'tokens/s', align: 'right' },
    { title: 'USD per billion tokens', align: 'right' },
    ...(withEpoch ? [{ title: 'USD per epoch', align: 'right' } as const] : []),
  ] as const;
  const reasons = new Map<string, number>();
  const unlisted = others.filter(({ target }) => target === null);
  for (const other of unlisted) reasons.set(other.why, (reasons.get(other.why) ?? 0) + 1);
  const targets = others.flatMap(({ target, why: reason }) => (target === null ? [] : [`  ${target}: ${reason}\n`]));
  const left = [...reasons].map(([reason, count]) => `  ${count}: ${reason}\n`).join('');
  return [
    head,
    'Fewest nodes on which it surely fits, with all GPUs and the same batch on each; the cheapest per token first.\n\n',
    table(
      columns,
      machines.map((machine) => [...rowOf(machine), ...(withEpoch ? [machine.words.epoch] : [])]),
      { width: widthFor(process.stdout) },
    ),
    targets.length === 0 ? '' : `\nNot on these targets:\n${targets.join('')}`,
    left === '' ? '' : `\nNot on the other ${unlisted.length} machines of the catalog:\n${left}`,
    pricesOf(machines),
  ].join('');
}

function rowOf({ label, words }: MachineAnswer): string[] {
  return [label, words.memory, words.step, words.tokensPerSecond, words.usd];
}
