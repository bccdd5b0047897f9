import { hardwareDetail, hardwareRows } from '../core/hardware/describe';
import { formatGib } from '../core/text/format';
import { loadCatalogs } from '../data/index';
import { plainArguments } from './arguments';
import { coloursFor } from './colour';
import { hardwareImport } from './hardware-import';
import { print } from './output';
import { recommend } from './recommend';
import { table } from './table';
import { status, UsageError } from './usage';

/** `shardlens hardware [list | show ID | import FILE… | recommend FILE]`: the catalog, a machine's own description, or where a run fits. */
export async function hardware(args: readonly string[]): Promise<number> {
  if (args[0] === 'import') return hardwareImport(args.slice(1));
  if (args[0] === 'recommend') return recommend(args.slice(1));
  const { words, json } = plainArguments(args);
  const [action = 'list', ...ids] = words;
  const [id] = ids;
  if (action === 'list' && ids.length === 0) list(json);
  else if (action === 'show' && id !== undefined && ids.length === 1) show(id, json);
  else throw new UsageError('hardware takes `list`, `show ID`, `import FILE…`, or `recommend FILE`.');
  return status.ok;
}

function list(json: boolean): void {
  const rows = hardwareRows(loadCatalogs().hardware);
  if (json) {
    print(`${JSON.stringify({ version: 1, hardware: rows }, null, 2)}\n`);
    return;
  }
  const columns = [
    { title: 'id', align: 'left' },
    { title: 'what', align: 'left' },
    { title: 'memory each', align: 'right' },
    { title: 'inside a node', align: 'left' },
    { title: 'between nodes', align: 'left' },
  ] as const;
  const colours = coloursFor(process.stdout);
  for (const kind of ['accelerator', 'instance'] as const) {
    const lines = rows
      .filter((row) => row.kind === kind)
      .map((row) => [
        row.id,
        row.what,
        row.memoryBytes === null ? '' : formatGib(row.memoryBytes),
        row.inside ?? '',
        row.between ?? '',
      ]);
    print(`${colours.strong(kind === 'accelerator' ? 'Accelerators' : '\nInstances')}\n`);
    print(table(kind === 'accelerator' ? columns.slice(0, 3) : columns, lines));
  }
}

function show(id: string, json: boolean): void {
  const found = hardwareDetail(id, loadCatalogs().hardware);
  if ('problem' in found) {
    const nearest = found.nearest.length > 0 ? ` Near it: ${found.nearest.join(', ')}.` : '';
    throw new UsageError(`${found.problem}${nearest}`);
  }
  const { detail } = found;
  if (json) {
    print(`${JSON.stringify({ version: 1, ...detail }, null, 2)}\n`);
    return;
  }
  const colours = coloursFor(process.stdout);
  let text = `${colours.strong(detail.title)}\n`;
  const width = Math.max(0, ...detail.sections.flatMap(({ lines }) => lines.map(([label]) => label.length)));
  for (const { title, lines } of detail.sections) {
    text += `\n${colours.strong(title)}\n`;
    for (const [label, value] of lines) text += `  ${label.padEnd(width)}  ${value}\n`;
  }
  if (detail.notes.length > 0)
    text += `\n${colours.strong('Notes')}\n${detail.notes.map((it) => `  ${it}\n`).join('')}`;
  text += `\n${colours.strong('Sources')} (confidence ${detail.confidence}, as of ${detail.asOf})\n`;
  text += detail.sources.map((it) => `  ${it}\n`).join('');
  print(text);
}
