import type { Estimate } from '../estimate/estimate';
import { costOf } from '../recommend/price';
import type { TrainingRun } from '../run/training-run';
import { formatAbout, formatCount, formatGib, formatPercent, formatSeconds } from '../text/format';
import { type BillTable, NUMBER, TEXT } from './bill-table';

/** What the step consists of, hidden terms marked as such. */
export function stepTable(estimate: Estimate, run: TrainingRun): BillTable[] {
  const { step } = estimate;
  if (!step) return [];
  return [
    {
      title: 'Step time',
      lines: [
        ...(step.measured
          ? [
              `Measured: ${formatSeconds(step.measured.value)}, between ${formatSeconds(step.measured.low)} and ${formatSeconds(step.measured.high)} (${step.measured.from}). Predicted, as runs near it are compared:`,
            ]
          : []),
        `${formatSeconds(step.seconds)} per optimizer step, between ${formatSeconds(step.low)} and ${formatSeconds(step.high)}; bound by ${step.bottleneck}.`,
        `${formatCount(step.tokensPerSecondPerGpu)} tokens per second per GPU, MFU ${formatPercent(step.mfu)}.`,
        ...costLine(estimate, run),
        ...(step.terms.some(isHidden) ? ['What is hidden runs beside other work and adds no time.'] : []),
      ],
      columns: [TEXT('term'), NUMBER('time'), TEXT('formula'), TEXT('source')],
      rows: step.terms.map((term) => [
        isHidden(term) && !term.label.includes('hidden') ? `${term.label} (hidden)` : term.label,
        formatSeconds(term.seconds),
        term.formula,
        term.source,
      ]),
    },
  ];
}

/** What it costs on demand, where the catalog has a dated price for the machine. */
function costLine(estimate: Estimate, run: TrainingRun): string[] {
  if (!run.cluster.known) return [];
  const { value: cluster } = run.cluster;
  const { usdPerStep, usdPerBillionTokens, usdPerEpoch } = costOf(estimate, cluster, run);
  const { pricePerNodeHour: price } = cluster;
  if (!price || usdPerStep === undefined || usdPerBillionTokens === undefined) return [];
  const epoch = usdPerEpoch === undefined ? '' : `, US$ ${dollars(usdPerEpoch)} per epoch`;
  return [
    `On demand US$ ${dollars(usdPerStep)} per step, US$ ${dollars(usdPerBillionTokens)} per billion tokens${epoch} (${price.region}, ${price.asOf}).`,
  ];
}

/** Three figures: `0.0123`, `1,834`. */
function dollars(value: number): string {
  return value >= 100 ? formatCount(value) : Number(value.toPrecision(3)).toString();
}

function isHidden({ overlapped }: NonNullable<Estimate['step']>['terms'][number]): boolean {
  return overlapped === true;
}

/** The link that each parallel dimension uses. */
export function linkTable({ links }: Estimate): BillTable[] {
  if (links.length === 0) return [];
  return [
    {
      title: 'Interconnect',
      lines: [],
      columns: [TEXT('dimension'), NUMBER('ranks'), TEXT('link'), TEXT('verdict'), NUMBER('per step')],
      rows: links.map((link) => [
        link.dimension,
        String(link.ranks),
        link.label,
        link.verdict,
        link.seconds === undefined ? '' : formatAbout(link.seconds),
      ]),
    },
  ];
}

/** What each offload costs, and whether it is needed. */
export function offloadTable({ offloads }: Estimate): BillTable[] {
  if (offloads.length === 0) return [];
  const needed = { true: 'no, fits without', false: 'yes', null: 'not known' };
  return [
    {
      title: 'Offload',
      lines: [],
      columns: [TEXT('what'), NUMBER('host memory'), NUMBER('per step'), TEXT('needed'), NUMBER('step without')],
      rows: offloads.map((offload) => [
        offload.what,
        formatGib(offload.hostBytesPerNode),
        formatAbout(offload.secondsPerStep),
        needed[`${offload.fitsWithout}`],
        offload.stepSecondsWithout === undefined ? '' : formatAbout(offload.stepSecondsWithout),
      ]),
    },
  ];
}
