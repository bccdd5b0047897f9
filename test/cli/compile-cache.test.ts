import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';

/** Node before 20.15 has no quick checksum, and keeps nothing. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const keeps = major > 20 || minor >= 15;

describe.runIf(keeps)('compiled code in the cache folder', () => {
  let file = '';
  const home = mkdtempSync(path.join(tmpdir(), 'shardlens-cache-'));
  const folder = path.join(home, 'shardlens');
  const explain = (cache: string, more: Record<string, string> = {}) => {
    const env = { ...process.env, XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, SHARDLENS_NO_CACHE: '', ...more };
    const { status, stdout, stderr } = spawnSync('node', [file, 'explain', 'batch-size-product'], {
      env,
      encoding: 'utf8',
      timeout: 10_000,
    });
    return { status, stdout, stderr };
  };
  const onlyFile = () => {
    const [name, ...others] = readdirSync(folder);
    expect(others).toEqual([]);
    return path.join(folder, name ?? '');
  };

  beforeAll(async () => {
    file = await bundle();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('is kept by the first run, used by the next, and changes no output', () => {
    const plain = explain(home, { SHARDLENS_NO_CACHE: '1' });
    expect(plain).toMatchObject({ status: 0, stderr: '' });
    expect(() => readdirSync(folder)).toThrow();
    expect(explain(home)).toEqual(plain);
    const kept = readFileSync(onlyFile());
    expect(kept.length).toBeGreaterThan(10_000);
    expect(explain(home)).toEqual(plain);
    expect(readFileSync(onlyFile()).equals(kept)).toBe(true);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut short', (kept: Buffer) => kept.subarray(0, 1000)],
    ['changed in one bit', (kept: Buffer) => kept.map((byte, at) => (at === kept.length >> 1 ? byte ^ 1 : byte))],
  ])('is made anew when it is %s', (_, damage) => {
    const plain = explain(home, { SHARDLENS_NO_CACHE: '1' });
    explain(home);
    const damaged = damage(readFileSync(onlyFile()));
    writeFileSync(onlyFile(), damaged);
    expect(explain(home)).toEqual(plain);
    expect(readFileSync(onlyFile()).length).toBeGreaterThan(10_000);
    expect(readFileSync(onlyFile()).equals(damaged)).toBe(false);
  });

  it('is done without where there can be no folder', () => {
    const noFolder = path.join(home, 'a-file');
    writeFileSync(noFolder, '');
    expect(explain(noFolder)).toMatchObject({ status: 0, stderr: '' });
    expect(explain('/dev/null')).toMatchObject({ status: 0, stderr: '' });
  });

  it('leaves no more than six files', () => {
    explain(home);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) writeFileSync(path.join(folder, name), '');
    writeFileSync(path.join(folder, readdirSync(folder).find((name) => name.length > 1) ?? ''), '');
    explain(home);
    expect(readdirSync(folder)).toHaveLength(6);
  });
});
