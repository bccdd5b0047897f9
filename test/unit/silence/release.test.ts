import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { releaseFixes } from '../../../server/src/core/silence/release';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const FILE =
  'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 8\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n  fsdp_activation_checkpointing_offload: true\n';

function offered(files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace(files);
  const source = workspace.source(`${ROOT}/accelerate.yaml`);
  if (!source) throw new Error('accelerate.yaml cannot be read');
  const analysis = analyze(source, { workspace, catalogs: loadCatalogs() });
  const finding = analysis.findings().find(({ rule }) => rule === 'checkpointing-offload-alone');
  return { finding, fixes: finding ? releaseFixes(analysis, finding, workspace) : [] };
}

describe('a finding that hangs on a release nobody states', () => {
  it('offers to say which, in a new shardlens.json', () => {
    const { finding, fixes } = offered({ 'accelerate.yaml': FILE });
    expect(finding?.severity).toBe('warning');
    expect(fixes.map(({ title }) => title)).toEqual([
      'Say that it runs with accelerate 1.15.0 (shardlens.json)',
      'Say that it runs with accelerate 1.12.0 (shardlens.json)',
    ]);
    expect(fixes[0]?.creates?.[0]?.text).toBe('{\n  "frameworks": {\n    "accelerate": "1.15.0"\n  }\n}\n');
    expect(fixes.some(({ preferred }) => preferred)).toBe(false);
  });

  it('adds it to the one there is, and the finding then knows', () => {
    const settings = '{ "model": "gpt2" }';
    const { fixes } = offered({ 'accelerate.yaml': FILE, 'shardlens.json': settings });
    const text = applyEdits(settings, fixes[0]?.edits ?? []);
    const after = offered({ 'accelerate.yaml': FILE, 'shardlens.json': text });
    expect(after.finding?.severity).toBe('error');
    expect(after.fixes).toEqual([]);
    const older = applyEdits(settings, fixes[1]?.edits ?? []);
    expect(offered({ 'accelerate.yaml': FILE, 'shardlens.json': older }).finding).toBeUndefined();
  });

  it('offers nothing where the release is stated', () => {
    const { fixes } = offered({ 'accelerate.yaml': FILE, 'requirements.txt': 'accelerate==1.15.0\n' });
    expect(fixes).toEqual([]);
  });
});
