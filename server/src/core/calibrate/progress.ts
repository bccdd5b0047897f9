import type { ReadAt, Reading, SampleReader } from './samples';

// tqdm's default bar without a description: ` 20%|██        | 100/500 [02:31<10:04,  1.51s/it]`. Seconds elapsed are whole.
const BAR = /(^|[\r\n])\s*\d{1,3}%\|[^|]{0,300}\|\s*(\d+)\/(\d+) \[((?:\d+:)?\d\d:\d\d)</g;
const STEPS = /\bTotal optimization steps\s*=\s*([\d,]+)/;
/** Fewer steps or seconds than this say little: the first steps are slow, and elapsed seconds are whole. */
const LEAST = 10;

interface Bar {
  readonly steps: number;
  readonly seconds: number;
  readonly at: ReadAt;
}

interface Track {
  readonly first: Bar;
  last: Bar;
  restarted: boolean;
}

/** The bar of the training loop, where it is clear which one that is: the only one, or the one with Trainer's number of steps. */
export function progressReader(): SampleReader {
  const tracks = new Map<number, Track>();
  let wanted: number | undefined;
  return {
    line(text, at) {
      const steps = STEPS.exec(text);
      if (steps) wanted = Number((steps[1] ?? '').replaceAll(',', ''));
      if (!text.includes('%|')) return;
      for (const [, , done = '', total = '', elapsed = ''] of text.matchAll(BAR)) {
        const bar = { steps: Number(done), seconds: clock(elapsed), at: at() };
        const track = tracks.get(Number(total));
        if (!track) {
          if (tracks.size < 1000) tracks.set(Number(total), { first: bar, last: bar, restarted: false });
        } else if (bar.steps < track.last.steps) track.restarted = true;
        else track.last = bar;
      }
    },
    done: () => readingOf(tracks, wanted),
  };
}

function readingOf(tracks: ReadonlyMap<number, Track>, wanted: number | undefined): Reading {
  const [only, second] = [...tracks.values()];
  const track = wanted === undefined ? (second ? undefined : only) : tracks.get(wanted);
  if (!only) return { samples: [], unread: [] };
  const refuse = (because: string): Reading => ({
    samples: [],
    unread: [{ what: 'seconds per step from progress bars', because, at: only.last.at }],
  });
  if (!track) return refuse('there are bars of several lengths, and it is not said which one counts optimizer steps');
  if (track.restarted) return refuse('the bar starts again, so several loops have this length');
  const steps = track.last.steps - track.first.steps;
  const seconds = track.last.seconds - track.first.seconds;
  if (steps < LEAST || seconds < LEAST)
    return refuse(`fewer than ${LEAST} steps or seconds lie between its first and its last state`);
  const value = seconds / steps;
  const basis = `${steps} steps of the progress bar, with what stood between them`;
  return {
    samples: [
      {
        figure: 'seconds',
        value,
        low: (seconds - 1) / steps,
        high: (seconds + 1) / steps,
        bound: 'peak',
        basis,
        at: track.last.at,
      },
    ],
    unread: [],
  };
}

function clock(text: string): number {
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
