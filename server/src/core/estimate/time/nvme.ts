import { counted, formatRate } from '../../text/format';
import type { TimeBand } from './band';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import { gathersPerMicroStep } from './gathers';
import type { OffloadFacts } from './offload';
import { shareOnGpu, steppedParameters } from './optimizer';
import { gatheredBytes, gigabytes } from './traffic-gather';

const SOURCE = 'Rajbhandari et al. 2021 (ZeRO-Infinity, arXiv 2104.07857) §5';

/** One Gen4 drive: 5–7 GB/s read, 2–5 GB/s write. */
export const UNKNOWN_DRIVE = { read: 5e9, write: 2.5e9 } as const;

/** fp32 weight and both moments, and the gradient. */
const STATE_READ_BYTES = 16;
const STATE_WRITE_BYTES = 12;

/** Reads and writes of states on NVMe; the drives are shared by all ranks of a node. */
export function nvmeDrafts(facts: TimeFacts, { optimizer, param }: OffloadFacts): Draft[] {
  const { host } = facts.cluster;
  const read = host.nvmeReadBytesPerSecond ?? UNKNOWN_DRIVE.read;
  const write = host.nvmeWriteBytesPerSecond ?? UNKNOWN_DRIVE.write;
  const spread = spreadOf(host);
  const drafts: Draft[] = [];
  if (optimizer === 'nvme') {
    const states = steppedParameters(facts) * (1 - shareOnGpu(facts)) * facts.gpusPerNode;
    const [readBytes, writeBytes] = [STATE_READ_BYTES * states, STATE_WRITE_BYTES * states];
    // Reading the next sub-group and writing the last one overlap; the slower one counts.
    drafts.push(
      draft(
        'offload.optimizer-nvme',
        'optimizer states from and to NVMe',
        Math.max(readBytes / read, writeBytes / write),
        {
          formula: `max(${gigabytes(readBytes)} ÷ ${formatRate(read)}, ${gigabytes(writeBytes)} ÷ ${formatRate(write)}) per node`,
          bytes: readBytes + writeBytes,
          spread,
        },
      ),
    );
  }
  if (param === 'nvme') {
    const gathers = gathersPerMicroStep(facts);
    const { blocks, outside } = gatheredBytes(facts);
    const bytes =
      (facts.accumulation * (gathers.blocks * blocks + gathers.outside * outside) * facts.gpusPerNode) / facts.shard;
    drafts.push(
      draft('offload.param-nvme', 'offloaded weights from NVMe', bytes / read, {
        formula: `${counted(facts.accumulation, 'micro-step')} × ${counted(gathers.blocks, 'gather')} = ${gigabytes(bytes)} ÷ ${formatRate(read)} per node`,
        bytes,
        spread,
      }),
    );
  }
  return drafts;
}

/** Drives that were measured, those counted from their number, and one of which nothing is known. */
function spreadOf({ nvmeReadBytesPerSecond, nvmeMeasured }: TimeFacts['cluster']['host']): TimeBand {
  if (nvmeReadBytesPerSecond === undefined) return { low: 0.1, high: 4 };
  return nvmeMeasured ? { low: 0.7, high: 1.6 } : { low: 0.5, high: 2.5 };
}

interface Moved {
  readonly spread: TimeBand;
  readonly formula: string;
  readonly bytes: number;
}

function draft(id: string, label: string, seconds: number, { formula, bytes, spread }: Moved): Draft {
  return {
    id,
    label,
    seconds,
    band: { low: seconds * spread.low, high: seconds * spread.high },
    formula,
    source: SOURCE,
    group: 'offload',
    cause: 'NVMe',
    hides: 'never',
    traffic: { link: 'nvme', bytes },
  };
}
