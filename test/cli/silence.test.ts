import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { folderWith, shardlens } from './shell';

const TWICE = 'distributed_type: FSDP\nmixed_precision: bf16\nnum_machines: 1\nnum_processes: 4\nnum_processes: 8\n';

it('counts what comments ignore, and keeps it out of the JSON', async () => {
  const folder = folderWith({
    'accelerate.yaml': TWICE.replace(': 4', ': 4 # shardlens-ignore: duplicate-key both are known'),
  });
  const text = await shardlens(folder, ['check', 'accelerate.yaml']);
  expect(text.out).toBe('1 file checked: no findings (1 ignored).\n');
  const json = await shardlens(folder, ['check', '--format', 'json', 'accelerate.yaml']);
  expect(JSON.parse(json.out).files[0].findings).toEqual([]);
  expect(json.out).not.toContain('ignored');
});

it('removes with --fix what ignores nothing any more', async () => {
  const folder = folderWith({
    'accelerate.yaml': `# shardlens-ignore-file: null-section, duplicate-key\n${TWICE}`,
  });
  const { out } = await shardlens(folder, ['check', '--fix', 'accelerate.yaml']);
  expect(out).toBe('1 file checked: no findings (1 ignored).\n');
  expect(readFileSync(path.join(folder, 'accelerate.yaml'), 'utf8')).toBe(
    `# shardlens-ignore-file: duplicate-key\n${TWICE}`,
  );
});

it('does not let a comment pass a broken file', async () => {
  const folder = folderWith({ 'accelerate.yaml': `# shardlens-ignore-file: broken-syntax\n${TWICE}fsdp_config: [\n` });
  expect((await shardlens(folder, ['check', 'accelerate.yaml'])).status).toBe(1);
});
