// Why the worst points are as far off as they are: what was found by reading the code and the notes of what was measured.
const REASONS = [
  {
    what: 'host',
    id: /^peftdoc-/,
    why: 'We take rank 0 to hold all weights in 16 bits while it loads; bitsandbytes packs each into 4 bits as it comes, which is not modelled.',
  },
  {
    what: 'host',
    id: /^seed-/,
    why: 'Page cache, data loader and what else ran on the node are in the figure of the source.',
  },
  {
    what: 'memory',
    id: /^bloom-49$/,
    why: 'The source gives 65 GB for 2 samples and 56 GB for 4 of the same run; one of the two is not what it says.',
  },
  {
    what: 'memory',
    id: /^bloom-93$/,
    why: 'The source has two rows of this run, 44 and 38 GB.',
  },
  {
    what: 'memory',
    id: /^bloom-6$/,
    why: 'Two replicas, half of the optimizer on each rank. One of the first trials of the chronicle, from a week before the other rows.',
  },
  {
    what: 'memory',
    id: /^bloom-(1|2)$/,
    why: 'One replica, all states on it: what DeepSpeed of February 2022 held beside them at the step is not in the versions we count.',
  },
  {
    what: 'memory',
    id: /^bloom-(125|1[34]\d)$/,
    why: 'From here on the chronicle gave each embedding a slot of its own in the pipeline, so that no stage has one beside its full share of blocks; no config says so.',
  },
  {
    what: 'memory',
    id: /^bloom-(39|43)$/,
    why: 'Eight samples: 43 GiB of activations, of which the allocator is taken to keep a quarter more; near the capacity it gives that back.',
  },
  {
    what: 'memory',
    id: /^bloom-/,
    why: 'A snapshot of nvidia-smi while other rows of the same table differ by a tenth among themselves.',
  },
  {
    what: 'memory',
    id: /^hf-bertlarge-(4|6|8)$/,
    why: 'Little comes and goes (0.3–0.5 GiB), and half a GiB more was reserved than allocated.',
  },
  {
    what: 'memory',
    id: /^tune-3b-ladder-2$/,
    why: 'torchtune compiles block by block and its own model code keeps more than our estimate of what a compiled block saves, which is not counted.',
  },
  {
    what: 'time',
    id: /^hf-bertlarge-(3|4|6|8)$/,
    why: 'V100 in fp16 at one sample: many short kernels and casts, whose launching we count too low, on an architecture without fitted constants.',
  },
  {
    what: 'time',
    id: /^mpt-/,
    why: 'Long sequences: the table ran a Triton kernel with ALiBi at a third of the peak; FlashAttention 2 is assumed, as the config would say.',
  },
  {
    what: 'time',
    id: /^bloom-(1|2|6|7|9|10|12|14|2\d|3[0-5])$/,
    why: 'Hidden size 14400 over 64 heads gives heads of 225, which tensor cores cannot take; the chronicle gained 27 % from changing the size to 13824. No constant of ours knows it.',
  },
  {
    what: 'time',
    id: /^bloom-(73|109)$/,
    why: '128 heads of 108: not a multiple of 8, and the fused softmax was off; the same run with 96 heads was 23 % faster.',
  },
  {
    what: 'time',
    id: /^bloom-/,
    why: 'Not known in full. Until 25 February 2022 PCI Express and NUMA were set up badly (up to 5 %), and nodes were joined by Omni-Path.',
  },
  {
    what: 'time',
    id: /^internevo-.*-1024$/,
    why: 'ZeRO-1 over 1024 ranks: latency and congestion between 128 nodes are not in the model of a collective.',
  },
];

export function reasonOf(point, what) {
  return REASONS.find((one) => one.what === what && one.id.test(point.id))?.why ?? 'Not known.';
}
