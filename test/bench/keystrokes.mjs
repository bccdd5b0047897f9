import { spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { median, milliseconds, quantile, row } from './measure.mjs';
import { example, server } from './paths.mjs';

const WARM_UP = 200;
const KEYSTROKES = 500;
const BYTES = 4096;

/** From a change sent over stdio to the diagnostics and lenses of it, for a config joined with model and machine. */
export async function keystrokes(folder) {
  const project = path.join(folder, 'project');
  cpSync(example, project, { recursive: true });
  const file = path.join(project, 'ds_zero3.json');
  const uri = pathToFileURL(file).href;
  const text = padded(readFileSync(file, 'utf8'));
  const child = spawn(process.execPath, [server, 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const rpc = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  rpc.listen();
  await rpc.sendRequest('initialize', {
    processId: null,
    rootUri: pathToFileURL(project).href,
    capabilities: { textDocument: { diagnostic: {} } },
  });
  await rpc.sendNotification('initialized', {});
  await rpc.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'json', version: 1, text } });
  const times = [];
  for (let i = 0; i < WARM_UP + KEYSTROKES; i++) {
    const changed = text.replace('"steps_per_print": 10', `"steps_per_print": ${10 + (i % 90)}`);
    if (i % 90 !== 0 && changed === text) throw new Error('the example has no steps_per_print to type into');
    const took = await milliseconds(async () => {
      const change = { textDocument: { uri, version: i + 2 }, contentChanges: [{ text: changed }] };
      await rpc.sendNotification('textDocument/didChange', change);
      const [report, lenses] = await Promise.all([
        rpc.sendRequest('textDocument/diagnostic', { textDocument: { uri } }),
        rpc.sendRequest('shardlens/lenses', { uri }),
      ]);
      if (report.kind !== 'full' || lenses.length === 0) throw new Error('no diagnostics or no estimate came back');
    });
    if (i >= WARM_UP) times.push(took);
  }
  await rpc.sendRequest('shutdown');
  await rpc.sendNotification('exit');
  rpc.dispose();
  return [
    row('keystroke to diagnostics and estimate, median', median(times), 'ms'),
    row('keystroke to diagnostics and estimate, p95', quantile(times, 0.95), 'ms', 10),
  ];
}

/** A file of 4 KB: the example with more of what DeepSpeed leaves to others. */
function padded(text) {
  const end = text.lastIndexOf('}');
  const more = [];
  for (let i = 0; text.length + more.join('').length < BYTES; i++)
    more.push(`,\n    "note_${i}": "free text number ${i}"`);
  return `${text.slice(0, end).trimEnd()},\n  "monitor_config": {\n    "enabled": false${more.join('')}\n  }\n}\n`;
}
