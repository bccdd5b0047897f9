import { expect, test } from 'vitest';
import { decode } from '../../../server/src/core/text/decode';

const utf8 = (text: string) => new TextEncoder().encode(text);

test('UTF-8', () => {
  expect(decode(utf8('{"a": "é"}'))).toEqual({ ok: true, text: '{"a": "é"}', encoding: 'utf-8', bom: false });
  expect(decode(new Uint8Array())).toEqual({ ok: true, text: '', encoding: 'utf-8', bom: false });
});

test('a byte order mark is not part of the text', () => {
  expect(decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b))).toEqual({ ok: true, text: '{', encoding: 'utf-8', bom: true });
  expect(decode(Uint8Array.of(0xff, 0xfe, 0x7b, 0))).toEqual({ ok: true, text: '{', encoding: 'utf-16le', bom: true });
  expect(decode(Uint8Array.of(0xfe, 0xff, 0, 0x7b))).toEqual({ ok: true, text: '{', encoding: 'utf-16be', bom: true });
});

test.each([
  ['NUL bytes', Uint8Array.of(0x7b, 0, 0x7d), 'binary'],
  ['Latin-1', Uint8Array.of(0x22, 0xe9, 0x22), 'encoding'],
  ['half a character', Uint8Array.of(0xc3), 'encoding'],
  ['an encoded surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 'encoding'],
])('%s', (_, bytes, why) => {
  expect(decode(bytes)).toMatchObject({ ok: false, why });
});

test('too large', () => {
  expect(decode(new Uint8Array(11), 10)).toMatchObject({ ok: false, why: 'too-large' });
  expect(decode(utf8('0123456789'), 10)).toMatchObject({ ok: true });
});
