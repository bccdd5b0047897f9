import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatGib,
  formatParameters,
  formatPercent,
  formatRate,
  formatSeconds,
} from '../../../server/src/core/text/format';

const GIB = 2 ** 30;

describe('quantities as people read them', () => {
  it.each([
    [31.2 * GIB, '31.2 GiB'],
    [3.29 * GIB, '3.29 GiB'],
    [150.4 * GIB, '150 GiB'],
    [0.0466 * GIB, '0.047 GiB'],
    [9.999 * GIB, '10.0 GiB'],
    [0, '0 GiB'],
  ])('%d bytes in GiB is %s', (bytes, text) => expect(formatGib(bytes)).toBe(text));

  it.each([
    [36, '36 B'],
    [1536, '1.50 KiB'],
    [100e6, '95.4 MiB'],
    [3.29 * GIB, '3.29 GiB'],
  ])('%d bytes is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [8_030_261_248, '8.0 B'],
    [70_553_706_496, '70.6 B'],
    [124_439_808, '124 M'],
    [999_900_000, '1.0 B'],
    [4_200_000, '4.2 M'],
    [671e9, '671.0 B'],
    [512, '512'],
  ])('%d parameters is %s', (count, text) => expect(formatParameters(count)).toBe(text));

  it.each([
    [0.000_038, '38.0 µs'],
    [0.0042, '4.20 ms'],
    [0.53, '0.53 s'],
    [19.5, '19.5 s'],
    [975, '16 min 15 s'],
    [7780, '2 h 10 min'],
    [0, '0 s'],
  ])('%d seconds is %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [300e9, '300 GB/s'],
    [12.5e9, '12.5 GB/s'],
    [1.6e12, '1.6 TB/s'],
    [850e6, '850 MB/s'],
  ])('%d bytes per second is %s', (rate, text) => expect(formatRate(rate)).toBe(text));

  it('groups digits and shows shares', () => {
    expect(formatCount(8_030_261_248)).toBe('8,030,261,248');
    expect(formatPercent(0.042)).toBe('4.2 %');
    expect(formatPercent(0.38)).toBe('38 %');
  });
});
