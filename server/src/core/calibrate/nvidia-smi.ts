import { MIB, type ReadAt, type Reading, type Sample, type SampleReader } from './samples';

const GPU_ROW = /^\|\s+(\d+) {1,3}\S.*\|\s*[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:/;
const USED = /\|\s*(\d+)MiB \/\s*\d+MiB\s*\|/;
const PROCESS = /^\|\s+(\d+)\s+(?:\S+\s+\S+\s+)?(\d+)\s+C(?:\+G)?\s+\S.*?\s(\d+)MiB\s*\|/;
/** As many states of one GPU must have been seen for the largest to be called a peak. */
const SEVERAL = 3;

interface Used {
  readonly gpu: string;
  readonly mib: number;
  readonly at: ReadAt;
}

/** Memory in use as `nvidia-smi` shows it: its table, its processes, and `--query-gpu` and `--query-compute-apps` as CSV. */
export function usedMemoryReader(): SampleReader {
  const gpus: Used[] = [];
  const processes: Used[] = [];
  let gpu = '0';
  let columns:
    | { readonly used: number; readonly key: number; readonly isProcess: boolean; readonly width: number }
    | undefined;
  return {
    line(text, at) {
      if (text.startsWith('|')) {
        gpu = GPU_ROW.exec(text)?.[1] ?? gpu;
        const process = PROCESS.exec(text);
        const used = process ? undefined : USED.exec(text);
        if (process) processes.push({ gpu: process[1] ?? '0', mib: Number(process[3]), at: at() });
        else if (used) gpus.push({ gpu, mib: Number(used[1]), at: at() });
        return;
      }
      if (!text.includes(',') && !/memory/.test(text)) return;
      const cells = text.split(',').map((cell) => cell.trim());
      const column = cells.findIndex((cell) => /^(memory\.used|used_gpu_memory|used_memory)( \[MiB\])?$/.test(cell));
      if (column >= 0) {
        const key = cells.findIndex((cell) => /^(index|gpu_uuid|uuid|gpu_bus_id|pci\.bus_id)$/.test(cell));
        columns = {
          used: column,
          key,
          isProcess: cells.some((cell) => /^(pid|used_gpu_memory|process_name)/.test(cell)),
          width: cells.length,
        };
      } else if (columns && cells.length === columns.width) {
        const mib = /^(\d+)(?: MiB)?$/.exec(cells[columns.used] ?? '')?.[1];
        if (mib === undefined) return;
        (columns.isProcess ? processes : gpus).push({ gpu: cells[columns.key] ?? '?', mib: Number(mib), at: at() });
      }
    },
    done: () => readingOf(processes.length > 0 ? processes : gpus, processes.length > 0),
  };
}

/** The largest; a process's own figure where there is one, since a GPU may be shared. */
function readingOf(used: readonly Used[], isProcess: boolean): Reading {
  const [first] = used;
  if (!first) return { samples: [], unread: [] };
  const top = used.reduce((most, it) => (it.mib > most.mib ? it : most), first);
  if (top.mib === 0)
    return { samples: [], unread: [{ what: 'memory in use', because: 'nvidia-smi saw none in use', at: top.at }] };
  const states = top.gpu === '?' ? 1 : used.filter(({ gpu }) => gpu === top.gpu).length;
  const bound: Sample['bound'] = states >= SEVERAL ? 'peak' : 'at-least';
  const what = isProcess ? 'a process' : 'a GPU, whoever uses it,';
  const sample: Sample = {
    figure: 'driver',
    value: top.mib * MIB,
    low: (top.mib - 0.5) * MIB,
    high: (top.mib + 0.5) * MIB,
    bound,
    basis: `${bound === 'peak' ? `largest of ${states} states` : 'one state'} of ${what} in nvidia-smi`,
    at: top.at,
  };
  const because =
    'one look may miss the peak; `nvidia-smi --query-gpu=index,memory.used --format=csv -l 1` beside the run sees it';
  return {
    samples: [sample],
    unread: bound === 'peak' ? [] : [{ what: 'the peak of memory in use', because, at: top.at }],
  };
}
