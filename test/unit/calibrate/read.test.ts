import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseFigures } from '../../../server/src/core/calibrate/choose';
import { readLogs } from '../../../server/src/core/calibrate/read';
import type { Figure } from '../../../server/src/core/calibrate/samples';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const folder = path.resolve(__dirname, '../../fixtures/runs');

function fixture(name: string): { path: string; text: string } {
  return { path: name, text: readFileSync(path.join(folder, name), 'utf8') };
}

function figuresOf(...names: string[]): Partial<Record<Figure, { value: number; bound: string; line: number }>> {
  const { figures } = chooseFigures(readLogs(names.map(fixture)));
  return Object.fromEntries(
    Object.entries(figures).map(([figure, { value, bound, at }]) => [figure, { value, bound, line: at.line }]),
  );
}

function read(text: string): ReturnType<typeof readLogs> {
  return readLogs([{ path: 'run.log', text }]);
}

describe('each form of log', () => {
  it('see_memory_usage: the largest after a step, in GiB, with what rounding leaves open', () => {
    const { figures } = chooseFigures(readLogs([fixture('deepspeed.log')]));
    expect(figures.allocated).toMatchObject({ value: 22.61 * GIB, bound: 'peak', at: { line: 5 } });
    expect(figures.reserved).toMatchObject({ value: 25 * GIB, high: 25.5 * GIB, bound: 'peak' });
    // CA is printed with two decimals, so the peak was not as low as 24.5.
    expect(figures.reserved?.low).toBeCloseTo(24.865 * GIB, -3);
  });

  it('see_memory_usage before the first step is a lower bound, and says so', () => {
    expect(figuresOf('deepspeed-start.log')).toMatchObject({
      allocated: { value: 3.29 * GIB, bound: 'at-least' },
      reserved: { bound: 'at-least' },
    });
    expect(readLogs([fixture('deepspeed-start.log')]).unread[0]?.because).toContain('memory_breakdown');
  });

  it('memory_summary: Peak Usage, rounded down', () => {
    const { figures } = chooseFigures(readLogs([fixture('memory-summary.txt')]));
    expect(figures.allocated).toMatchObject({ value: 23153 * MIB, low: 23153 * MIB, high: 23154 * MIB, bound: 'peak' });
    expect(figures.reserved).toMatchObject({ value: 25466 * MIB, at: { line: 14 } });
  });

  it('memory_summary after a failed allocation is a lower bound', () => {
    const text = fixture('memory-summary.txt').text.replace('CUDA OOMs: 0', 'CUDA OOMs: 1');
    expect(read(text).samples.map(({ bound }) => bound)).toEqual(['at-least', 'at-least']);
  });

  it.each(['trainer.log', 'all_results.json'])(
    'Trainer in %s: before, __init__ and both deltas of training',
    (name) => {
      expect(figuresOf(name).allocated).toMatchObject({ value: 6463422464 + 17813995520, bound: 'peak' });
    },
  );

  it("Trainer's table: MiB, each rounded down", () => {
    const { figures } = chooseFigures(readLogs([fixture('trainer-metrics.txt')]));
    expect(figures.allocated).toMatchObject({ low: (6164 + 16988) * MIB, high: (6164 + 16988 + 4) * MIB });
  });

  it('Trainer without what it counts from is a lower bound', () => {
    const text = "{'train_mem_gpu_alloc_delta': 6463422464, 'train_mem_gpu_peaked_delta': 17813995520}";
    expect(read(text).samples).toMatchObject([{ figure: 'allocated', value: 24277417984, bound: 'at-least' }]);
    expect(read(text).unread[0]?.because).toContain('before_init_mem_gpu');
  });

  it('Trainer with one delta alone is not read', () => {
    const { samples, unread } = read("{'train_mem_gpu_alloc_delta': 6463422464}");
    expect(samples).toEqual([]);
    expect(unread).toMatchObject([{ what: 'the peak of training' }]);
  });

  it('seconds: runtime over steps, before rounded rates and the bar', () => {
    expect(figuresOf('trainer.log').seconds).toMatchObject({ value: 755 / 500, line: 8 });
    expect(figuresOf('all_results.json').seconds?.value).toBeCloseTo(1 / 0.662, 6);
  });

  it('seconds of a resumed training are not read', () => {
    const text = `  Continuing training from global step 400\n${fixture('trainer.log').text.replace(/.*s\/it\].*\n/g, '')}`;
    const { samples, unread } = read(text);
    expect(samples.filter(({ figure }) => figure === 'seconds')).toEqual([]);
    expect(unread.map(({ because }) => because).join()).toContain('resumed');
  });

  it('a progress bar, redrawn in one line', () => {
    const bar = (steps: number, clock: string) => ` ${steps / 5}%|██        | ${steps}/500 [${clock}<10:04,  1.51s/it]`;
    const { samples } = read(`start\n${bar(100, '02:31')}\r${bar(200, '05:01')}\r${bar(400, '10:01')}\nend`);
    expect(samples).toMatchObject([{ figure: 'seconds', value: 450 / 300, at: { line: 2 } }]);
    expect(samples[0]?.low).toBeCloseTo(449 / 300, 9);
  });

  it('bars of two lengths are not clear, bars that count other things are not steps', () => {
    const text = ' 10%|█ | 10/100 [00:10<01:30]\n 90%|█ | 90/100 [01:30<00:10]\n 50%|█ | 25/50 [00:10<00:10]\n';
    expect(read(text)).toMatchObject({ samples: [], unread: [{ what: 'seconds per step from progress bars' }] });
    expect(read('Map:  10%|█ | 10/100 [00:10<01:30]\nMap:  90%|█ | 90/100 [01:30<00:10]').samples).toEqual([]);
  });

  it('out of memory: what was allocated and what was asked for, as a lower bound', () => {
    expect(figuresOf('oom.log')).toMatchObject({
      allocated: { value: 40.5 * GIB, bound: 'at-least', line: 3 },
      driver: { bound: 'at-least' },
    });
    expect(figuresOf('oom.log').driver?.value).toBeCloseTo(42.18 * GIB - 700 * MIB, 0);
    const older =
      'RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 15.78 GiB total capacity; 14.56 GiB already allocated; 5.44 MiB free; 14.70 GiB reserved in total by PyTorch)';
    expect(read(older).samples).toMatchObject([{ figure: 'allocated', bound: 'at-least' }]);
  });

  it('nvidia-smi: one look is a lower bound, several are a peak', () => {
    expect(figuresOf('smi-table.txt').driver).toMatchObject({ value: 26378 * MIB, bound: 'at-least' });
    expect(figuresOf('smi-loop.csv').driver).toMatchObject({ value: 26391 * MIB, bound: 'peak', line: 4 });
  });

  it('one look that shows at least what the allocator had reserved was after the peak', () => {
    expect(figuresOf('smi-table.txt', 'memory-summary.txt').driver).toMatchObject({ bound: 'peak' });
  });

  it('labelled prints: bytes without a unit, GB either way, and nothing that does not name itself', () => {
    const { figures } = chooseFigures(readLogs([fixture('labelled.log')]));
    expect(figures.allocated).toMatchObject({ value: 24277417984, bound: 'peak', at: { line: 2 } });
    expect(figures.reserved?.low).toBeCloseTo(24.865e9, -3);
    expect(figures.reserved?.high).toBeCloseTo(24.875 * GIB, -3);
    expect(read('max_memory_allocated: 23.4').unread).toMatchObject([{ because: 'it has no unit' }]);
    expect(read('peak memory 26.1 GB\nmemory: 3 GiB').samples).toEqual([]);
  });
});

describe('what cannot be', () => {
  it('a driver figure below what was reserved is of another moment', () => {
    const { figures, unread } = chooseFigures(
      readLogs([
        { path: 'smi.csv', text: 'index, memory.used [MiB]\n0, 512 MiB\n0, 600 MiB\n0, 512 MiB\n' },
        fixture('memory-summary.txt'),
      ]),
    );
    expect(figures.driver).toBeUndefined();
    expect(unread.at(-1)).toMatchObject({ what: 'memory in use' });
  });

  it('an out-of-memory error counts more than a smaller peak', () => {
    expect(figuresOf('deepspeed.log', 'oom.log').allocated).toMatchObject({ value: 40.5 * GIB, bound: 'at-least' });
  });

  it.each([
    'MA -2.83 GB Max_MA -3 GB CA 1 GB Max_CA 2 GB',
    "{'train_mem_gpu_alloc_delta': -99999999, 'train_mem_gpu_peaked_delta': 0}",
    '{"train_runtime": 0, "train_steps_per_second": 0}',
    'max_memory_allocated: 99999999999999999999999 GiB',
    ' 0%| | 0/0 [00:00<?]',
    '',
  ])('%j gives no figure', (text) => {
    expect(read(text).samples).toEqual([]);
  });

  it('any text is read without a throw', () => {
    const piece = fc.constantFrom(
      'MA ',
      'GB',
      '|',
      '%|',
      'Tried to allocate ',
      '9',
      '.',
      'e9',
      '\r',
      '\n',
      ' GiB',
      'max_memory_allocated=',
      "'train_mem_gpu_alloc_delta': ",
      'MiB /',
      '99999999999999999999',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (parts) => {
        const { figures } = chooseFigures(read(parts.join('')));
        for (const { low, value, high } of Object.values(figures)) {
          expect(low).toBeLessThanOrEqual(value);
          expect(value).toBeLessThanOrEqual(high);
        }
      }),
      { numRuns: 300 },
    );
  });
});
