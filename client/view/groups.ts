import type { MemoryGroup, TimeTerm, Traffic } from '../../server/src/core/estimate/estimate';

/** How a group is shown: its words and the colour of the theme, as the style sheet names it. */
export interface Shown {
  readonly words: string;
  readonly colour: string;
}

/** What lies in GPU memory, in the order in which bars stack. */
export const MEMORY_GROUPS: Readonly<Record<MemoryGroup, Shown>> = {
  parameters: { words: 'parameters', colour: 'var(--blue)' },
  gradients: { words: 'gradients', colour: 'var(--purple)' },
  optimizer: { words: 'optimizer', colour: 'var(--orange)' },
  activations: { words: 'activations', colour: 'var(--green)' },
  logits: { words: 'logits', colour: 'var(--yellow)' },
  buffers: { words: 'buffers', colour: 'var(--cyan)' },
  context: { words: 'CUDA context', colour: 'var(--red)' },
  fragmentation: { words: 'allocator cache', colour: 'var(--grey)' },
};

/** What a step does, in the order in which the timeline lays it out. */
export const TIME_GROUPS: Readonly<Record<TimeTerm['group'], Shown>> = {
  compute: { words: 'compute', colour: 'var(--green)' },
  communication: { words: 'communication', colour: 'var(--blue)' },
  offload: { words: 'offload', colour: 'var(--orange)' },
  optimizer: { words: 'optimizer', colour: 'var(--purple)' },
};

export const LINKS: Readonly<Record<Traffic['link'], string>> = {
  intra: 'between GPUs of a node',
  inter: 'between nodes',
  host: 'GPU to host',
  nvme: 'host to NVMe',
};
