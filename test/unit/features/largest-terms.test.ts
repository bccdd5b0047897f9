import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { largestTerms } from '../../../server/src/core/features/largest-terms';
import { largestWords } from '../../../server/src/core/features/largest-words';
import { makeWrites } from '../../../server/src/core/moves/written';
import { withSources } from '../../../server/src/core/rewrite/overlay';
import { exampleFolders } from '../../examples';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { catalogs, FILES, measuredAs, SETTINGS, TRAIN } from './run-of';

type Files = Readonly<Record<string, string>>;

/** One GPU with room to spare, and activations that are kept. */
const ROOMY: Files = {
  'train.yaml': `model_name_or_path: Qwen/Qwen2.5-1.5B
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-5
bf16: true
`,
  'shardlens.json':
    '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge", "gpusPerNode": 1 } }, "sequenceLength": 8192 }',
};

function look(name: string, files: Files) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`no file ${name}`);
  const input = { workspace, catalogs };
  const analysis = analyze(file, input);
  return { workspace, file, input, analysis, largest: largestTerms(analysis, input) };
}

const CASES: readonly (readonly [string, string, Files])[] = [
  ['ZeRO-3 with offload', 'train.yaml', FILES],
  ['one GPU', 'train.yaml', ROOMY],
  ...Object.entries(exampleFolders()).map(
    ([folder, files]) => [folder, 'train.yaml' in files ? 'train.yaml' : 'sft.yaml', files] as const,
  ),
];

describe('the largest terms', () => {
  it.each(CASES)('of %s are the three largest of the peak', (_, name, files) => {
    const { analysis, largest } = look(name, files);
    const memory = analysis.estimate()?.memory;
    const bytes = memory?.phases[memory.phase]?.terms.map((term) => term.bytes).sort((a, b) => b - a);
    expect(largest.map(({ term }) => term.bytes)).toEqual(bytes?.slice(0, 3));
  });

  it.each(CASES)('of %s name settings that do exactly what is said, and every finding they bring', (_, name, files) => {
    const { workspace, file, input, analysis, largest } = look(name, files);
    for (const { lever } of largest) {
      if (!lever) continue;
      const written = makeWrites(
        workspace,
        lever.changes.map(({ path, key, to }) => ({ path, key, value: to })),
      );
      if (!written) throw new Error('cannot be written');
      const around = { ...input, workspace: withSources(workspace, written.sources) };
      const after = analyze(written.sources.get(file.path) ?? file, around);
      const [was, is] = [analysis.estimate(), after.estimate()];
      expect((was?.memory?.allocated ?? 0) - (is?.memory?.allocated ?? 0)).toBe(lever.savesAtPeak);
      expect(lever.step).toEqual({ before: was?.step?.seconds, after: is?.step?.seconds });
      const rules = new Set(analysis.findings().map(({ rule }) => rule));
      const brought = after.findings().filter(({ rule }) => !rules.has(rule));
      expect(brought.filter(({ severity }) => severity === 'error')).toEqual([]);
      if (lever.brings === undefined) expect(brought).toEqual([]);
    }
  });

  it('name recomputation, with what it takes off and what it costs', () => {
    const { largest, file } = look('train.yaml', ROOMY);
    const words = largestWords(largest, file.path);
    expect(words[0]).toMatch(
      /^Activations saved for backward, [\d.]+ GiB: `gradient_checkpointing: true` takes [\d.]+ GiB off; step about \+\d+ %\.$/,
    );
  });

  it('name the file of a setting that stands in another', () => {
    const { largest, file } = look('train.yaml', FILES);
    const words = largestWords(largest, file.path).join('\n');
    expect(words).toMatch(/`offload_param: \{ device: cpu, pin_memory: true \}` \(ds\.json\) takes [\d.]+ GiB off/);
  });

  it('say which finding speaks against the only setting there is, and still how much it takes off', () => {
    const { largest, file } = look('sft.yaml', exampleFolders()['fsdp2-trl-two-nodes'] ?? {});
    const words = largestWords(largest, file.path).join('\n');
    expect(words).toMatch(
      /`fsdp_offload_params: true` \(accelerate\.yaml\) takes [\d.]+ GiB off.*; not recommended here \(`offload-not-needed`\)\./,
    );
  });

  it('say where nothing helps', () => {
    const { largest, file } = look('train.yaml', exampleFolders()['llama-3-8b-zero3-offload'] ?? {});
    const context = largest.filter(({ term }) => term.group === 'context');
    expect(largestWords(context, file.path)).toEqual([
      expect.stringMatching(
        /^Nothing that `fit` tries makes this smaller: CUDA context and cuBLAS workspace, [\d.]+ GiB\.$/,
      ),
    ]);
  });

  it('say it once where nothing helps several of them', () => {
    const files = { 'train.yaml': `${TRAIN.replace(/deepspeed.*\n/, '')}optim: sgd\ngradient_checkpointing: true\n` };
    const { largest, file } = look('train.yaml', { ...files, 'shardlens.json': SETTINGS });
    const words = largestWords(largest, file.path);
    expect(largest.filter(({ lever }) => !lever).length).toBeGreaterThan(1);
    expect(words.filter((line) => line.startsWith('Nothing that'))).toEqual([
      expect.stringMatching(/^Nothing that `fit` tries makes these smaller: .+ GiB; .+ GiB\.$/),
    ]);
  });

  it('compare a measured run as it was predicted, since its neighbours were not measured', () => {
    const plain = look('train.yaml', ROOMY);
    const levers = plain.largest.map(({ lever }) => lever);
    const measured = measuredAs(plain.analysis, { driver: 70 * 2 ** 30 });
    expect(measured.estimate()?.memory?.value).toBe(70 * 2 ** 30);
    const first = largestTerms(measured, plain.input).find(({ term }) => term.id === 'activations.saved');
    expect(first?.lever?.savesAtPeak).toBe(levers[0]?.savesAtPeak);
  });

  it('are none where memory is not known', () => {
    const files = { ...FILES, 'train.yaml': TRAIN.replace(/model_name_or_path.*\n/, '') };
    expect(look('train.yaml', files).largest).toEqual([]);
    expect(look('shardlens.json', { 'shardlens.json': SETTINGS }).largest).toEqual([]);
  });
});
