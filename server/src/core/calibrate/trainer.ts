import { MIB, type ReadAt, type Reading, type Sample, type SampleReader } from './samples';

// transformers/trainer_utils.py TrainerMemoryTracker: bytes in logs and all_results.json, whole MiB in `***** train metrics *****`.
const MEMORY =
  /["']?\b(before_init_mem_gpu|(?:init|train)_mem_gpu_(?:alloc|peaked)_delta)\b["']?\s*[:=]\s*["']?(-?\d+)(MB)?/g;
const SPEED = /["']?\b(train_steps_per_second)\b["']?\s*[:=]\s*["']?(\d+(?:\.\d+)?)/;
const RUNTIME = /["']?\btrain_runtime\b["']?\s*[:=]\s*["']?((?:\d+ days?, )?\d+:\d\d:\d\d(?:\.\d+)?|\d+(?:\.\d+)?)/;
const STEPS = /\bTotal optimization steps\s*=\s*([\d,]+)|["']global_step["']\s*:\s*(\d+)/;
const RESUMED = /Continuing training from global step|resume_from_checkpoint["']?\s*[:=]\s*["']?[\w./]+checkpoint/i;

interface Bytes {
  readonly bytes: number;
  /** What rounding down to MiB leaves open. */
  readonly open: number;
  readonly at: ReadAt;
}

interface Found {
  readonly memory: Map<string, Bytes>;
  speed: { readonly value: number; readonly at: ReadAt } | undefined;
  runtime: { readonly value: number; readonly at: ReadAt } | undefined;
  steps: number | undefined;
  resumed: ReadAt | undefined;
}

/** What transformers' Trainer reports of a training at its end. */
export function trainerReader(): SampleReader {
  const found: Found = {
    memory: new Map(),
    speed: undefined,
    runtime: undefined,
    steps: undefined,
    resumed: undefined,
  };
  return {
    line(text, at) {
      if (text.includes('mem_gpu')) readMemory(text, at, found.memory);
      const speed = SPEED.exec(text);
      if (speed) found.speed = { value: Number(speed[2]), at: at() };
      const runtime = RUNTIME.exec(text);
      if (runtime) found.runtime = { value: secondsOf(runtime[1] ?? ''), at: at() };
      const steps = STEPS.exec(text);
      if (steps) found.steps = Number((steps[1] ?? steps[2] ?? '').replaceAll(',', ''));
      if (RESUMED.test(text)) found.resumed ??= at();
    },
    done(): Reading {
      const memory = peakOf(found.memory);
      const time = timeOf(found);
      return { samples: [...memory.samples, ...time.samples], unread: [...memory.unread, ...time.unread] };
    },
  };
}

function readMemory(text: string, at: () => ReadAt, memory: Found['memory']): void {
  for (const [, name = '', digits = '', unit] of text.matchAll(MEMORY)) {
    const value = { bytes: Number(digits) * (unit ? MIB : 1), open: unit ? MIB : 0, at: at() };
    // The same value in bytes is finer than in MiB.
    if (!unit || memory.get(name)?.open !== 0) memory.set(name, value);
  }
}

/** Peak = before + what __init__ added + what training added and freed again (Trainer.log_metrics, "Understanding the reports"). */
function peakOf(memory: Found['memory']): Reading {
  const peaked = memory.get('train_mem_gpu_peaked_delta');
  const added = memory.get('train_mem_gpu_alloc_delta');
  if (!peaked || !added) {
    const [first] = memory.values();
    if (!first) return NOTHING;
    const because = 'train_mem_gpu_alloc_delta and train_mem_gpu_peaked_delta are not both there';
    return { samples: [], unread: [{ what: 'the peak of training', because, at: first.at }] };
  }
  const before = memory.get('before_init_mem_gpu');
  const init = memory.get('init_mem_gpu_alloc_delta');
  const parts = [before, init, added, peaked].filter((it) => it !== undefined);
  const low = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (low <= 0)
    return {
      samples: [],
      unread: [{ what: 'the peak of training', because: 'the deltas sum to nothing', at: peaked.at }],
    };
  const open = parts.reduce((sum, part) => sum + part.open, 0);
  const isWhole = before !== undefined && init !== undefined;
  const sample: Sample = {
    figure: 'allocated',
    value: low + open / 2,
    low,
    high: low + open,
    bound: isWhole ? 'peak' : 'at-least',
    basis: isWhole ? 'memory before and in __init__, and the deltas of training' : 'the deltas of training alone',
    at: peaked.at,
  };
  const because = 'before_init_mem_gpu and init_mem_gpu_alloc_delta, from which the deltas count, are not there';
  return { samples: [sample], unread: isWhole ? [] : [{ what: 'the whole peak of training', because, at: peaked.at }] };
}

/** Runtime over steps, with logging, evaluation and saving in it. */
function timeOf({ speed, runtime, steps, resumed }: Found): Reading {
  const at = runtime?.at ?? speed?.at;
  if (at === undefined) return NOTHING;
  if (resumed) {
    const because = 'the training was resumed, and Trainer divides by the steps of the whole run';
    return { samples: [], unread: [{ what: 'seconds per step', because, at: resumed }] };
  }
  const basis = 'mean of the whole training, with logging, evaluation and saving';
  if (runtime && steps !== undefined && steps > 0 && runtime.value > 0) {
    const value = runtime.value / steps;
    return {
      samples: [{ figure: 'seconds', value, low: value, high: value, bound: 'peak', basis, at: runtime.at }],
      unread: [],
    };
  }
  if (!speed)
    return { samples: [], unread: [{ what: 'seconds per step', because: 'the number of steps is not there', at }] };
  // transformers/trainer_utils.py speed_metrics rounds to three decimals.
  if (speed.value < 0.01)
    return {
      samples: [],
      unread: [{ what: 'seconds per step', because: 'train_steps_per_second is rounded too far', at: speed.at }],
    };
  const [low, high] = [1 / (speed.value + 0.0005), 1 / (speed.value - 0.0005)];
  return {
    samples: [{ figure: 'seconds', value: 1 / speed.value, low, high, bound: 'peak', basis, at: speed.at }],
    unread: [],
  };
}

const NOTHING: Reading = { samples: [], unread: [] };

/** `754.23`, or a timedelta as the metrics table prints it: `0:12:34.23`, `1 day, 2:03:04`. */
function secondsOf(text: string): number {
  const delta = /^(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text);
  if (!delta) return Number(text);
  const [, days = '0', hours, minutes, seconds] = delta;
  return Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
