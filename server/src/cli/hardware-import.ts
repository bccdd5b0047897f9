import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { importReport } from '../core/features/hardware-import';
import { type HardwareImport, importHardware, type Printed } from '../core/hardware/import';
import { namedDescription, withTarget } from '../core/hardware/import/write';
import { decode } from '../core/text/decode';
import { loadCatalogs } from '../data/index';
import { absolute, type ImportArguments, importArguments } from './arguments';
import { coloursFor } from './colour';
import { print, printError } from './output';
import { table, widthFor } from './table';
import { status, UsageError } from './usage';

/** Logs of long runs are large; beyond this a text does not fit into one string of Node with room to work. */
const MOST_BYTES = 256 * 2 ** 20;

/** `shardlens hardware import FILE…`: a cluster description from what a machine printed. */
export function hardwareImport(args: readonly string[]): number {
  const asked = importArguments(args);
  const { hardware: catalog } = loadCatalogs();
  if (asked.hardware !== undefined && catalog.resolve(asked.hardware) === undefined) {
    const nearest = catalog.nearest(asked.hardware, 3);
    const hint = nearest.length > 0 ? ` Near it: ${nearest.join(', ')}.` : '';
    throw new UsageError(`no hardware is called "${asked.hardware}".${hint}`);
  }
  const result = importHardware(asked.files.map(readLog), { catalog, hardware: asked.hardware });
  const strange = result.files.find(({ formats }) => formats.length === 0);
  if (strange) throw new UsageError(`${strange.path} holds nothing that import knows. ${KNOWN}`);
  const written = asked.target === undefined ? undefined : write(result, asked, asked.target);
  if (asked.json) print(`${JSON.stringify(asJson(result, written), null, 2)}\n`);
  else print(asText(result));
  if (written !== undefined) printError(`Wrote target "${asked.target}" to ${written}.\n`);
  return status.ok;
}

const KNOWN =
  'It reads NCCL and RCCL logs (NCCL_DEBUG=INFO), NCCL_TOPO_DUMP_FILE, nvidia-smi (plain, -L, -q, --query-gpu, topo -m, topo -p2p r), rocm-smi, neuron-ls, lscpu and /proc/meminfo.';

/** `-` is standard input: `nvidia-smi topo -m | shardlens hardware import -`. */
export function readLog(file: string): Printed {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
  const decoded = decode(bytes, MOST_BYTES);
  // One byte that is no UTF-8 among a million lines says nothing about the others.
  if (!decoded.ok && decoded.why === 'encoding') return { path: nameOf(file), text: bytes.toString('utf8') };
  if (!decoded.ok) throw new UsageError(`${file} cannot be read. ${decoded.message}`);
  return { path: nameOf(file), text: decoded.text };
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file.replaceAll('\\', '/');
}

function write(result: HardwareImport, { config }: ImportArguments, target: string): string {
  const { description } = result;
  if (!description) {
    const because = result.unknown.map((it) => `${it.what}: ${it.because}`).join('; ');
    throw new UsageError(`nothing was written, since it is not known what the machine is. ${because}.`);
  }
  const file = config ?? nearestSettings() ?? 'shardlens.json';
  const before = existsSync(file) ? readLog(file).text : undefined;
  const done = withTarget(absolute(file), before, target, namedDescription(description, result.values));
  if ('problem' in done) throw new UsageError(done.problem);
  try {
    writeFileSync(file, done.text);
  } catch {
    throw new UsageError(`${file} cannot be written.`);
  }
  return file;
}

function nearestSettings(): string | undefined {
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'shardlens.json');
    if (existsSync(file)) return path.relative(process.cwd(), file);
    if (path.dirname(folder) === folder) return undefined;
  }
}

function asJson(result: HardwareImport, written: string | undefined): object {
  const { description, cluster, values, unknown, remarks, looksLike, files } = result;
  return {
    version: 1,
    label: cluster?.label ?? null,
    links: Object.fromEntries(importReport(result).links),
    description: description ?? null,
    values: values.map(({ key, value, origin, because }) => ({
      key,
      value,
      origin: origin ?? null,
      because: because ?? null,
    })),
    unknown,
    notes: remarks.map(({ message, origin }) => ({ message, origin: origin ?? null })),
    looksLike,
    files,
    written: written ?? null,
  };
}

function asText(result: HardwareImport): string {
  const colours = coloursFor(process.stdout);
  const report = importReport(result);
  let text = `${colours.strong(report.title)}\n`;
  for (const [where, link] of report.links) text += `  ${where}: ${link}\n`;
  text += '\n';
  const columns = ['value', '', 'read in', 'words'].map((title) => ({ title, align: 'left' as const }));
  if (report.values.length > 0) text += table(columns, report.values, { width: widthFor(process.stdout) });
  for (const [title, lines] of [
    ['Not known', report.unknown],
    ['Notes', report.notes],
    ['Looks like (a suggestion; `--hardware ID` takes it)', report.suggestions],
  ] as const) {
    if (lines.length > 0) text += `\n${colours.strong(title)}\n${lines.map((line) => `  ${line}\n`).join('')}`;
  }
  if (!result.description) return text;
  const json = JSON.stringify(result.description, null, 2);
  return `${text}\n${colours.strong('Cluster description')} (--target NAME writes it into shardlens.json)\n${json}\n`;
}
