import type { RecordedBlock, RecordedSetting } from '../core/models/recorded';

/** A setting by its words: `mask amp16 frozen`. */
interface Way {
  readonly attention: string;
  readonly precision: string;
  readonly isFrozen: boolean;
  readonly isCheckpointed: boolean;
}

type Recordings = (name: string) => RecordedSetting | undefined;

/**
 * A setting that was not run, from those that were: what frozen weights spare, and what another attention keeps, is taken from a
 * recording in 16 bits and added to the recording in the precision asked for. Undefined where too little was run.
 */
export function composedSetting(name: string, recorded: Recordings): RecordedSetting | undefined {
  const way = wayOf(name);
  if (way.isCheckpointed) return checkpointed(way, recorded);
  const first = recorded('sdpa bf16') === undefined ? 'eager' : 'sdpa';
  if (way.attention !== first) return withAttention(way, first, recorded);
  if (!way.isFrozen) return inPrecision(way.precision, recorded(`${first} bf16`), recorded(`${first} amp16`));
  const trained =
    recorded(nameOf({ ...way, isFrozen: false })) ?? composedSetting(nameOf({ ...way, isFrozen: false }), recorded);
  const near = way.precision.startsWith('amp') && recorded(`${first} amp16 frozen`) !== undefined ? 'amp16' : 'bf16';
  const frozen = recorded(`${first} ${near} frozen`);
  // Some classes do not run with frozen weights on fake tensors: they keep no more than when all is trained.
  if (frozen === undefined) return trained;
  return way.precision === 'fp32' ? changed(trained, recorded(`${first} bf16`), frozen, 2) : withCasts(frozen, trained);
}

/** fp32 has everything twice as wide. */
function inPrecision(
  precision: string,
  half: RecordedSetting | undefined,
  autocast: RecordedSetting | undefined,
): RecordedSetting | undefined {
  if (precision !== 'fp32' || half === undefined) return autocast ?? half;
  const blocks: Record<string, RecordedBlock> = {};
  for (const [key, { saved, casts, working }] of Object.entries(half.blocks))
    blocks[key] = { saved: times(saved, 2), casts, working: working.map((moment) => times(moment, 2)) };
  return { ...half, ends: times(half.ends, 2), blocks };
}

/** Frozen layers keep no input, whatever it is cast from; the copies of their weights stay. */
function withCasts(
  frozen: RecordedSetting | undefined,
  trained: RecordedSetting | undefined,
): RecordedSetting | undefined {
  if (frozen === undefined || trained === undefined) return undefined;
  const blocks: Record<string, RecordedBlock> = {};
  for (const [key, block] of Object.entries(frozen.blocks))
    blocks[key] = { ...block, casts: trained.blocks[key]?.casts ?? '' };
  return { ...frozen, casts: trained.casts, blocks };
}

/** The stream is the same with frozen weights, and with autocast over 16-bit weights. */
function checkpointed(way: Way, recorded: Recordings): RecordedSetting | undefined {
  const near = way.precision === 'amp16' ? 'bf16' : way.precision;
  return (
    recorded(nameOf({ ...way, precision: near })) ??
    recorded(nameOf({ ...way, isFrozen: false })) ??
    recorded(nameOf({ ...way, precision: near, isFrozen: false }))
  );
}

function withAttention(way: Way, first: string, recorded: Recordings): RecordedSetting | undefined {
  const base = nameOf({ ...way, attention: first });
  const from = recorded(base) ?? composedSetting(base, recorded);
  // Grouped heads in fp32 have no fused kernel: what torch's mathematics keeps is what eager attention keeps.
  if (way.precision === 'fp32' && from !== undefined && hasScores(from))
    return way.attention === 'eager' ? from : withoutScores(from);
  const attention =
    recorded(`${way.attention} bf16`) === undefined && way.attention === 'window' ? 'mask' : way.attention;
  const nearest = nameOf({ ...way, attention });
  if (attention !== way.attention && recorded(nearest) !== undefined) return recorded(nearest);
  const [plain, other] = way.isFrozen && recorded(`${attention} bf16 frozen`) ? [' frozen', ' frozen'] : ['', ''];
  const scale = way.precision === 'fp32' ? 2 : 1;
  return changed(from, recorded(`${first} bf16${plain}`), recorded(`${attention} bf16${other}`), scale) ?? from;
}

function hasScores({ blocks }: RecordedSetting): boolean {
  return Object.values(blocks).some(({ saved }) => saved.includes('Tsn'));
}

/** A mask brings the fused kernel back, which keeps the mask instead of each head's scores. */
function withoutScores(from: RecordedSetting): RecordedSetting {
  const blocks: Record<string, RecordedBlock> = {};
  const bare = (text: string): string => text.replace(/[+-]?\d+Tsn/g, '').replace(/^\+/, '');
  for (const [key, block] of Object.entries(from.blocks)) {
    blocks[key] = { ...block, saved: sum(bare(block.saved), '4Ts'), working: block.working.map(bare) };
  }
  return { ...from, blocks };
}

/** `from`, with `scale` times what sets `to` apart from `without`. */
function changed(
  from: RecordedSetting | undefined,
  without: RecordedSetting | undefined,
  to: RecordedSetting | undefined,
  scale: number,
): RecordedSetting | undefined {
  if (from === undefined || without === undefined || to === undefined) return undefined;
  const blocks: Record<string, RecordedBlock> = {};
  for (const [key, block] of Object.entries(from.blocks)) {
    const [a, b] = [without.blocks[key], to.blocks[key]];
    blocks[key] =
      a === undefined || b === undefined
        ? block
        : {
            saved: sum(block.saved, times(b.saved, scale), times(a.saved, -scale)),
            casts: block.casts,
            working: [...block.working, ...b.working.map((moment) => times(moment, scale))],
          };
  }
  return { ...from, ends: sum(from.ends, times(to.ends, scale), times(without.ends, -scale)), blocks };
}

function sum(...texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .join('+')
    .replaceAll('+-', '-');
}

/** Each coefficient of `16Th+4Tnd` times a factor. */
function times(text: string, factor: number): string {
  if (factor === 1) return text;
  return text
    .replace(/([+-]?)(\d+(?:\.\d+)?)((?:\[[^\]]+\]|[A-Za-z])*)/g, (_, sign: string, digits: string, sizes: string) => {
      const coefficient = (sign === '-' ? -1 : 1) * Number(digits) * factor;
      return `${coefficient < 0 ? '-' : '+'}${Math.abs(coefficient)}${sizes}`;
    })
    .replace(/^\+/, '');
}

function wayOf(name: string): Way {
  const [attention = '', precision = '', ...words] = name.split(' ');
  return {
    attention,
    precision,
    isFrozen: words.includes('frozen'),
    isCheckpointed: words.includes('checkpointing'),
  };
}

function nameOf({ attention, precision, isFrozen, isCheckpointed }: Way): string {
  return `${attention} ${precision}${isFrozen ? ' frozen' : ''}${isCheckpointed ? ' checkpointing' : ''}`;
}
