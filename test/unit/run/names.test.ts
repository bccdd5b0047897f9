import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayName } from '../../../server/src/core/run/names';

const text = (value: string) => ({ ok: true, text: value }) as const;

describe('names that a text holds', () => {
  it('are those of paths, whatever stands around them', () => {
    const read = text('deepspeed: "configs/ds_zero3.json"\nother: [a.yaml, ../b.yml]\n# see old.train.yaml.bak\n');
    for (const name of ['ds_zero3.json', 'a.yaml', 'b.yml', 'old.train.yaml']) expect(mayName(read, name)).toBe(true);
    for (const name of ['zero3.json', 'train.yaml', 'c.json']) expect(mayName(read, name)).toBe(false);
  });

  it('are sought as they stand where they hold more than letters', () => {
    expect(mayName(text('config: my run (2).json'), 'my run (2).json')).toBe(true);
    expect(mayName(text('config: my run (2).json'), 'my run (3).json')).toBe(false);
  });

  it('may be any where a text spells letters by their numbers, and are none in a file that cannot be read', () => {
    for (const written of ['"ds\\u002ejson"', '"d\\x73.json"', '"d\\U00000073.json"', '"d\\\n  s.json"'])
      expect(mayName(text(`"deepspeed": ${written}`), 'ds.json')).toBe(true);
    expect(mayName({ ok: false, why: 'missing' }, 'ds.json')).toBe(false);
  });

  it('begin behind escapes, of which data files are full', () => {
    const data = text('{"code": "C:\\\\runs\\\\a.json\\tb.json\\u0020c.json \\/d.json", "name": "\\u00fcber.json"}');
    for (const name of ['a.json', 'b.json', 'c.json', 'd.json', 'über.json']) expect(mayName(data, name)).toBe(true);
    for (const name of ['ds.json', 'uns.json']) expect(mayName(data, name)).toBe(false);
  });

  it('never miss a file that is named by its last part', () => {
    const part = fc.stringMatching(/^[\w.-]{1,12}\.(json|jsonc|yaml|yml)$/);
    const before = fc.constantFrom('', '/', 'a/', '"', ' ', ': ', '(', 'ü');
    const after = fc.constantFrom('', '"', '\n', ' # x', ',', "'", ')');
    fc.assert(
      fc.property(part, before, after, fc.string(), (name, head, tail, rest) => {
        expect(mayName(text(`${rest}\n${head}${name}${tail}\n${rest}`), name)).toBe(true);
      }),
    );
  });

  it('are found in a text that is one long name without walking it over and over', () => {
    const long = text('a.json'.repeat(200_000));
    expect(mayName(long, 'b.json')).toBe(false);
  });
});
