import { describe, expect, test } from 'vitest';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import { TIME_RESIDUALS } from '../../../../server/src/core/estimate/time/residuals';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, given, LLAMA_3_8B, link, offloadedSharding, replicated, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const memory = () => ({ memory: null, assumptions: [] });

function stepOf(of: TrainingRun) {
  const { step, assumptions } = estimateTime(of, { memory });
  if (step === null) throw new Error('no step');
  return { ...step, width: step.high / step.low, assumed: assumptions.map(({ what }) => what) };
}

const alone = (hardware: string, changes: Partial<TrainingRun> = {}, of = model) =>
  stepOf(
    run({
      model: of,
      cluster: cluster(hardware, { gpusPerNode: 1 }),
      sharding: replicated('single'),
      micro: 1,
      changes,
    }),
  );

describe('the band of a step', () => {
  test('is the wider the less is known of the chip', () => {
    const order = ['plain', 'unfitted', 'unmeasured', 'unseen'] as const;
    const widths = order.map((name) => TIME_RESIDUALS[name].high / TIME_RESIDUALS[name].low);
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    expect(new Set(widths).size).toBe(order.length);
    // A100 is calibrated; A10G is of its generation; no step of any Blackwell was published, nor of another vendor.
    const chips = ['p4d.24xlarge', 'g5.xlarge', 'p6-b200.48xlarge', 'trn1.2xlarge'].map((it) => alone(it));
    expect(chips.map(({ width }) => width)).toEqual(chips.map(({ width }) => width).sort((a, b) => a - b));
    expect(chips.map(({ assumed }) => assumed.includes('GPU efficiency'))).toEqual([false, true, true, true]);
  });

  test('lets what is hidden come out where its link may be slower', () => {
    const base = cluster('p4d.24xlarge', { gpusPerNode: 8 });
    const on = (low: number) =>
      stepOf(
        run({
          model,
          cluster: { ...base, intra: link('nvlink-switch', 200e9, { low, high: 250e9 }) },
          sharding: zero(2),
          micro: 4,
          accumulation: 2,
        }),
      );
    const [narrow, wide] = [on(180e9), on(1e9)];
    expect(wide.seconds).toBe(narrow.seconds);
    expect(wide.low).toBe(narrow.low);
    expect(wide.high).toBeGreaterThan(narrow.high * 1.5);
  });

  test('of a link whose rate nobody published goes up to the wire and to half of the low end', () => {
    const base = cluster('p4d.24xlarge', { gpusPerNode: 8 });
    const on = (basis: 'measured' | 'assumed') =>
      stepOf(
        run({
          model,
          cluster: { ...base, intra: link('neuronlink', 20e9, { basis, wireBytesPerSecond: 40e9 }) },
          sharding: zero(0),
          micro: 1,
        }),
      );
    expect(on('assumed').width).toBeGreaterThan(on('measured').width * 1.3);
  });

  test.each([
    ['torch.compile', { torchCompile: given(true) }, 'torch.compile'],
    ['4-bit weights', { quantization: given('nf4' as const) }, 'unpacking nf4 weights'],
    [
      'fp8',
      {
        precision: {
          compute: given('fp8' as const),
          weights: given('bf16' as const),
          mode: given('autocast' as const),
        },
      },
      'fp8 products',
    ],
    ['loading without workers', { loaderWorkers: given(0) }, undefined],
  ])('of %s says what is assumed and is wider for it', (_name, changes, what) => {
    const [plain, guessed] = [alone('p5.48xlarge'), alone('p5.48xlarge', changes)];
    if (what === undefined) expect(guessed.width).toBeGreaterThanOrEqual(plain.width);
    else {
      expect(guessed.width).toBeGreaterThan(plain.width);
      expect(guessed.assumed).toContain(what);
    }
  });

  test('of heads of odd width is wider away from the chip where they were seen', () => {
    const odd = decoder({ ...LLAMA_3_8B, heads: 30, kvHeads: 30, hidden: 4230 });
    const eager = { attention: given('eager' as const) };
    const [seen, other] = [alone('p4d.24xlarge', eager, odd), alone('p5.48xlarge', eager, odd)];
    expect(seen.assumed).toContain('attention with heads not a multiple of 8 wide');
    expect(other.width).toBeGreaterThan(seen.width * 1.2);
  });

  test('says the time of a hook where Python is what the GPUs wait for', () => {
    const node = cluster('p4d.24xlarge', { gpusPerNode: 8 });
    const slow = run({ model, cluster: node, sharding: offloadedSharding(), length: 64, accumulation: 4 });
    expect(stepOf(slow).assumed).toContain('ZeRO-3 hooks');
    const long = run({ model, cluster: node, sharding: zero(3), length: 8192, micro: 4 });
    expect(stepOf(long).assumed).not.toContain('ZeRO-3 hooks');
  });

  test('of drives and a CPU of which nothing is known is wide, and said so', () => {
    const known = cluster('p4d.24xlarge', { gpusPerNode: 8 });
    const host = { ...known.host, nvmeReadBytesPerSecond: undefined, simd: undefined };
    const sharding = { ...offloadedSharding(), offloadOptimizer: given('nvme' as const) };
    const [sure, open] = [known, { ...known, host }].map((it) => stepOf(run({ model, cluster: it, sharding })));
    expect(open?.width).toBeGreaterThan((sure?.width ?? 0) * 1.2);
    expect(open?.assumed).toEqual(expect.arrayContaining(['NVMe', 'CPU of the node']));
  });
});
