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
    id: /^bloom-(87|131)$/,
    why: 'Not known: a snapshot of nvidia-smi; rows of the same table differ by a tenth among themselves.',
  },
  {
    what: 'memory',
    id: /^bloom-(125|1[34]\d)$/,
    why: 'From here on the chronicle gave each embedding a slot of its own in the pipeline, so that no stage has one beside its full share of blocks; no config says so.',
  },
  {
    what: 'memory',
    id: /^bloom-(70|22|73|50)$/,
    why: "Megatron's fused softmax keeps less than the eager attention of transformers, which is what was counted.",
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
    id: /^hf-bertlarge-3$/,
    why: 'Not known: autocast without recomputation; the same batch in fp32 is right to 1 %.',
  },
  {
    what: 'memory',
    id: /^hf-bertlarge-8$/,
    why: 'Not known: the row with Adafactor, which keeps next to nothing, is right to 2 %, and this one has 8-bit states beside.',
  },
  {
    what: 'memory',
    id: /^litgpt-(7|8)$/,
    why: 'Not known: quantised rows alone; what is short is 4 bytes for each token, layer and unit.',
  },
  {
    what: 'memory',
    id: /^litgpt-(12|13|16|17)$/,
    why: 'Not known: quantised rows of Llama alone, the others are 2 % under. What is short is 4 bytes for each token, layer and unit, as much as two norms keep where they are trained; litgpt freezes them.',
  },
  {
    what: 'memory',
    id: /^tune-3b-ladder-2$/,
    why: 'torchtune compiles block by block and its own model code keeps more than our estimate of what a compiled block saves, which is not counted.',
  },
  {
    what: 'time',
    id: /^bloom-101$/,
    why: 'The source gives 148 s for one sample and 103.5 s for two of the same run, where 10 % would be usual.',
  },
  {
    what: 'time',
    id: /^bloom-79$/,
    why: 'The source gives 113 s for 1568 samples and 114 s for 2048 of the same run; one of the two is not what it says.',
  },
  {
    what: 'time',
    id: /^bloom-(7|9|10|12|14|2\d|3[0-5])$/,
    why: 'Heads of 225, and before 25 February 2022 PCI Express and NUMA were set up badly (up to 5 %, the chronicle says).',
  },
  {
    what: 'time',
    id: /^bloom-/,
    why: 'Eight tensor-parallel ranks with one or two samples: each micro-batch took some 0.2 s more there than its operations need, with CUDA_LAUNCH_BLOCKING=1 against hangs. Not known in full.',
  },
  {
    what: 'time',
    id: /^internevo-.*-(256|512|1024)$/,
    why: 'InternEvo’s ZeRO-1 broadcasts whole tensors from the rank that owns each, which grows with the ranks; DeepSpeed gathers one flat buffer.',
  },
  {
    what: 'time',
    id: /^kor-/,
    why: 'Megatron’s interleaved schedule and fused softmax are in no config of DeepSpeed: a shorter bubble and fewer passes over the scores.',
  },
  {
    what: 'time',
    id: /^titan-/,
    why: 'What a limit of 500 W leaves of the peak is not published: the mean of H100 SXM and NVL is taken, as the source says it lies between.',
  },
  {
    what: 'time',
    id: /^mpt-(80|h100-20)$/,
    why: '30B at one sample on eight GPUs: memory is full, and the allocator frees and takes its blocks again in every step.',
  },
  {
    what: 'time',
    id: /^mpt-12[01]$/,
    why: 'Not known: 512 and 1024 tokens are slower than 2048 on A100 here, and faster on H100.',
  },
  {
    what: 'time',
    id: /^seed-p5-4pod/,
    why: 'Not known: the same EFA device carries 5.8 GB/s on p4d and here half of that; the source marks its p5 rows as to be measured again.',
  },
];

export function reasonOf(point, what) {
  return REASONS.find((one) => one.what === what && one.id.test(point.id))?.why ?? 'Not known.';
}
