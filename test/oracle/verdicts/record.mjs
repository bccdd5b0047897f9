// Puts every case to a real framework and records what it says:
//
//     node test/oracle/verdicts/record.mjs <deepspeed|trainer|accelerate> <version> [--missing] [--corpus FOLDER] [--only TEXT]
//
// Makes the virtual environment of requirements/<recorder>-<version>.txt when it is not there (under SHARDLENS_ORACLE_VENVS or the
// system's temporary folder), runs <recorder>.py in it, writes ../recordings/<recorder>-<version>.json and prints what changed.
// With --missing only the cases that have no verdict yet are run; verdicts of cases that are gone are dropped.
// With --corpus the cases are the files of a folder of real configs, and the verdicts are held against our findings (confusion.mjs).
// With --only the cases whose id holds the text are run and printed, and nothing is written.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { confusionOverCorpus } from './confusion.mjs';
import { loadProduct } from './product.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { corpus: { type: 'string' }, only: { type: 'string' }, missing: { type: 'boolean' } },
});
const [recorder, version] = positionals;
const requirements = path.join(here, 'requirements', `${recorder}-${version}.txt`);
if (!version || !existsSync(requirements)) {
  console.error(`usage: record.mjs <recorder> <version> [--corpus FOLDER] [--only TEXT]\nno ${requirements}`);
  process.exit(2);
}

const CASES = path.join(here, '..', 'cases');
const product = await loadProduct();
const python = environment(`${recorder}-${version}`, requirements);
if (values.corpus) {
  confusionOverCorpus(recorder, values.corpus, product, run);
} else {
  const all = product.casesFor(recorder, CASES).filter(({ id }) => id.includes(values.only ?? ''));
  const known = values.missing ? recorded().verdicts : {};
  const kept = Object.fromEntries(all.flatMap(({ id }) => (known[id] ? [[id, known[id]]] : [])));
  const cases = all.filter(({ id }) => !kept[id]).map(product.joined);
  const recording = { recorder, date: new Date().toISOString().slice(0, 10), ...run(cases) };
  recording.verdicts = { ...kept, ...recording.verdicts };
  if (values.only !== undefined) console.log(JSON.stringify(recording, undefined, 2));
  else write(recording);
}

/** The Python of the recorder's virtual environment, made when it is not there. */
function environment(name, file) {
  const folder = path.join(process.env.SHARDLENS_ORACLE_VENVS ?? path.join(tmpdir(), 'shardlens-oracles'), name);
  const found = path.join(folder, 'bin', 'python');
  if (!existsSync(found)) {
    must('python3', ['-m', 'venv', folder]);
    must(found, ['-m', 'pip', 'install', '--quiet', '--requirement', file]);
  }
  return found;
}

/** Runs the recorder over the cases; a case that brings the process down is recorded as not run. */
function run(cases) {
  const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-recording-'));
  try {
    const input = path.join(folder, 'cases.json');
    const output = path.join(folder, 'verdicts.json');
    writeFileSync(input, JSON.stringify(cases));
    must(python, [path.join(here, `${recorder}.py`), input, output], {
      OMP_NUM_THREADS: '1',
      CUDA_VISIBLE_DEVICES: '',
      HF_HUB_OFFLINE: '1',
      TOKENIZERS_PARALLELISM: 'false',
      PYTHONDONTWRITEBYTECODE: '1',
    });
    return JSON.parse(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function must(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`);
}

function recordingFile() {
  return path.join(here, '..', 'recordings', `${recorder}-${version}.json`);
}

/** What was recorded last. */
function recorded() {
  const file = recordingFile();
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { verdicts: {} };
}

/** One line a verdict, so that a new release is a diff to read. */
function write(recording) {
  const file = recordingFile();
  const before = recorded().verdicts;
  const { verdicts, ...head } = recording;
  const lines = Object.keys(verdicts)
    .sort()
    .map((id) => `    ${JSON.stringify(id)}: ${JSON.stringify(verdicts[id])}`);
  const start = JSON.stringify(head, undefined, 2).replace(/\n\}$/, ',\n');
  writeFileSync(file, `${start}  "verdicts": {\n${lines.join(',\n')}\n  }\n}\n`);
  for (const id of new Set([...Object.keys(before), ...Object.keys(verdicts)])) {
    const [old, now] = [before[id], verdicts[id]].map(
      (each) => each && `${each.verdict} ${each.type ?? ''} ${each.at ?? ''}`,
    );
    if (old !== now) console.log(`${id}: ${old ?? 'new'} → ${now ?? 'gone'}`);
  }
  const counts = {};
  for (const { verdict } of Object.values(verdicts)) counts[verdict] = (counts[verdict] ?? 0) + 1;
  console.log(
    `${lines.length} cases: ${Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  );
}
