import { type ReadAt, type Reading, rounded, type Sample, type SampleReader } from './samples';

// deepspeed/runtime/utils.py:828-849 (0.19.8); "GB" there is 2^30 bytes, and Max_CA is rounded to whole ones.
const LINE = /\bMA (\d+(?:\.\d+)?) GB\s+Max_MA (\d+(?:\.\d+)?) GB\s+CA (\d+(?:\.\d+)?) GB\s+Max_CA (\d+(?:\.\d+)?) GB/;

/** The messages that stand where a step has been: engine.py:3175, 3681, stage_1_and_2.py:3167, and what people write. */
const AFTER_A_STEP = /\bafter\b.{0,40}\b(backward|step|iteration)\b|\b(step|iteration|epoch)\b\s*[:#]?\s*\d/i;

/**
 * The lines of `see_memory_usage`. Each resets the peaks, so the largest counts. Those that DeepSpeed prints by itself stand
 * before training, and bound a peak from below only.
 */
export function deepspeedReader(): SampleReader {
  let message = '';
  const allocated: Sample[] = [];
  const reserved: Sample[] = [];
  let cached = 0;
  return {
    line(text, at) {
      const found = LINE.exec(text);
      if (!found) {
        if (text.trim() !== '') message = text;
        return;
      }
      const [, , peak = '', now = '', peakCached = ''] = found;
      const bound = AFTER_A_STEP.test(message) ? 'peak' : 'at-least';
      const where = at();
      allocated.push({
        figure: 'allocated',
        ...rounded(peak, 'GiB'),
        bound,
        basis: 'Max_MA of see_memory_usage',
        at: where,
      });
      cached = Math.max(cached, rounded(now, 'GiB').low);
      reserved.push({
        figure: 'reserved',
        ...rounded(peakCached, 'GiB'),
        bound,
        basis: 'Max_CA of see_memory_usage',
        at: where,
      });
      message = '';
    },
    done(): Reading {
      // CA is printed more finely than Max_CA, and the peak was never below it.
      const finer = reserved.map((it) => ({
        ...it,
        value: Math.max(it.value, Math.min(cached, it.high)),
        low: Math.min(Math.max(it.low, cached), it.high),
      }));
      const most = finer.reduce((top, { value }) => Math.max(top, value), 0);
      const samples = [...allocated, ...finer.filter(({ value }) => value === most)];
      const first = allocated[0];
      const isEarly = first !== undefined && samples.every(({ bound }) => bound === 'at-least');
      return { samples, unread: isEarly ? [early(first.at)] : [] };
    },
  };
}

function early(at: ReadAt): Reading['unread'][number] {
  return {
    what: 'the peak of a step in see_memory_usage lines',
    because:
      'all stand before the first step; set memory_breakdown to true in the DeepSpeed config, or print one after a step',
    at,
  };
}
