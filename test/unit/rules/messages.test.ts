import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** What the rule finds in the first of these files, as `level: message` with the titles of its fixes. */
function told(rule: string, files: Readonly<Record<string, string>>): string[] {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('no file');
  const found = analyze(file, { workspace, catalogs }).findings();
  return found
    .filter((it) => it.rule === rule)
    .flatMap(({ severity, message, fixes }) => [`${severity}: ${message}`, ...fixes.map(({ title }) => title)]);
}

const TRAINER = 'output_dir: out\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\n';

describe('a warning says what would make it none', () => {
  const files = (ds: string) => ({ 'ds.json': ds, 'train.yaml': `${TRAINER}deepspeed: ds.json\n` });

  it('trainer-mismatch with a default', () => {
    const [micro] = told(
      'trainer-mismatch',
      files('{ "train_micro_batch_size_per_gpu": 4, "zero_optimization": { "stage": 2 } }'),
    );
    expect(micro).toBe(
      'warning: train_micro_batch_size_per_gpu is 4 in the DeepSpeed file and per_device_train_batch_size is 8 by default. The Trainer stops at start-up unless the command line sets per_device_train_batch_size to 4.',
    );
    const [bf16] = told(
      'trainer-mismatch',
      files('{ "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }'),
    );
    expect(bf16).toMatch(/unless the command line sets bf16 to true\.$/);
  });
});

describe('a message says where its numbers come from', () => {
  it.each([
    [1, 'Set num_processes to 8, for one node of 8 GPUs'],
    [2, 'Set num_processes to 16, for 2 nodes of 8 GPUs'],
  ])('processes-missing on %i machines', (machines, title) => {
    const text = `compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: ${machines}\nmixed_precision: bf16\n`;
    expect(told('processes-missing', { 'accelerate.yaml': text })).toContain(title);
  });
});

describe('a message says one thing once', () => {
  it.each([
    [
      `${TRAINER}deepspeed: ds.json\n`,
      'error: JSON has no comments. The Trainer reads this file with json.load and stops here; DeepSpeed alone would read on.',
    ],
    [
      '',
      'information: JSON has no comments. DeepSpeed reads on; the Trainer and Accelerate read the file with json.load and stop here.',
    ],
  ])('hjson-only-syntax %#', (train, message) => {
    const ds = '{\n  // two GPUs\n  "train_batch_size": 8,\n  "zero_optimization": { "stage": 2 }\n}';
    const [first] = told('hjson-only-syntax', { 'ds.json': ds, 'train.yaml': train });
    expect(first).toBe(message);
  });
});
