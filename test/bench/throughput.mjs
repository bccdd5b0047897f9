import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { median, row } from './measure.mjs';
import { example, root, server } from './paths.mjs';

const FILES = 10_000;
const PER_FOLDER = 20;
const RUNS = 3;

/** Checks a tree like that of a large repository: a third configs, each a little different, the rest other JSON and YAML. */
export function throughput(folder) {
  const tree = path.join(folder, 'tree');
  const files = writeTree(tree);
  const bare = path.join(folder, 'bare.mjs');
  writeFileSync(bare, BARE);
  writeFileSync(path.join(folder, 'files.json'), JSON.stringify(files));
  const seconds = (args) => {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (status === null || status > 1) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr.slice(-500)}`);
    return (performance.now() - start) / 1000;
  };
  const checked = [];
  const read = [];
  for (let i = 0; i < RUNS; i++) {
    read.push(seconds([bare, path.join(folder, 'files.json')]));
    checked.push(seconds([server, 'check', tree]));
  }
  const peak = spawnSync(process.execPath, ['--require', peakReporter(folder), server, 'check', tree], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const [, kilobytes] = /peak (\d+)/.exec(peak.stderr) ?? [];
  return [
    row(`check of ${FILES.toLocaleString('en')} small files`, FILES / median(checked), 'files/s', 5000, {
      atLeast: true,
    }),
    row('the same beside reading and JSON.parse alone', median(checked) / median(read), '× node'),
    row('memory at its peak', Number(kilobytes) / 1000, 'MB'),
    row('memory copied into the old, per file', promoted(tree) / FILES / 1000, 'kB'),
  ];
}

/** Bytes that outlive two collections of young memory. Of a file that was checked nothing should; what does is copied twice. */
function promoted(tree) {
  const { stdout } = spawnSync(process.execPath, ['--trace-gc-nvp', server, 'check', tree, '--format', 'github'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return [...stdout.matchAll(/\bpromoted=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

const BARE = `import { readFileSync } from 'node:fs';
for (const file of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.json')) JSON.parse(text);
}
`;

function peakReporter(folder) {
  const file = path.join(folder, 'peak.cjs');
  const report = "process.stderr.write('peak ' + process.resourceUsage().maxRSS)";
  writeFileSync(file, `if (require('node:worker_threads').isMainThread) process.on('exit', () => ${report});`);
  return file;
}

function writeTree(tree) {
  const read = (...parts) => readFileSync(path.join(root, 'examples', ...parts), 'utf8');
  const deepspeed = readFileSync(path.join(example, 'ds_zero3.json'), 'utf8');
  const trainer = read('qlora-24gb', 'sft.yaml');
  const accelerate = read('fsdp2-trl-two-nodes', 'accelerate.yaml');
  const kinds = [
    (i) => ['ds_config.json', deepspeed.replace('"steps_per_print": 10', `"steps_per_print": ${i}`)],
    (i) => ['train.yaml', `${trainer}# ${i}\n`],
    (i) => ['accelerate.yaml', `${accelerate}# ${i}\n`],
    (i) => [
      'record.json',
      JSON.stringify({ id: i, prompt: 'What is a shard?', answer: 'A part.', score: i / 7 }, null, 2),
    ],
    (i) => ['labels.json', JSON.stringify(Array.from({ length: 20 }, (_, k) => ({ name: `label ${k}`, at: i + k })))],
    (i) => [
      'service.yaml',
      `name: service-${i}\nimage: registry/service:${i}\nports:\n  - 80\n  - 443\nenv:\n  LEVEL: info\n`,
    ],
  ];
  const files = [];
  for (let i = 0; i < FILES; i++) {
    const folder = path.join(tree, `project-${Math.floor(i / PER_FOLDER)}`, `run-${Math.floor((i % PER_FOLDER) / 4)}`);
    if (i % 4 === 0) mkdirSync(folder, { recursive: true });
    const [name, text] = kinds[i % kinds.length](i);
    const file = path.join(folder, `${i}-${name}`);
    writeFileSync(file, text);
    files.push(file);
  }
  return files;
}
