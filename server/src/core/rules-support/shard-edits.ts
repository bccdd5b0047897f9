import type { Estimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import type { FileEdit, Fix } from '../findings';
import { known, type Origin } from '../run/known';
import type { FsdpSharding, TrainingRun, ZeroSharding } from '../run/training-run';
import { setting, stringOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { stepChange } from './step-words';

const TRIED: Origin = { kind: 'assumed', because: 'tried, to compare the step time' };
/** A change is worth an edit only where it surely shows; the model of the step is not finer than this. */
const WORTHWHILE = 0.9;

interface Change {
  readonly title: string;
  readonly run: TrainingRun;
  readonly edits: readonly FileEdit[];
}

/** Edits that keep the gathers of sharded weights inside a node, or do without them, where they fit and make the step faster. */
export function fixesInsideNode(run: TrainingRun, now: Estimate): Omit<Fix, 'preferred'>[] {
  if (!run.sharding.known || !now.step) return [];
  const seconds = now.step.seconds;
  const { value } = run.sharding;
  const changes =
    value.kind === 'zero' ? zeroChanges(run, value) : value.kind === 'fsdp' ? fsdpChanges(run, value) : [];
  return changes.flatMap(({ title, run: changed, edits }) => {
    const { memory, step } = estimateRun(changed);
    if (edits.length === 0 || memory?.fits !== true || !step || step.seconds > seconds * WORTHWHILE) return [];
    return [{ title: `${title} (${stepChange(step.seconds, seconds)})`, edits }];
  });
}

function zeroChanges(run: TrainingRun, zero: ZeroSharding): Change[] {
  const { deepspeed } = run.configs;
  if (!deepspeed || !setting(deepspeed, 'zero_optimization.stage')) return [];
  const changes: Change[] = [];
  const { gpusPerNode, parallelism } = run;
  const free = !zero.hpzPartitionRanks.known || zero.hpzPartitionRanks.value <= 1;
  if (gpusPerNode.known && gpusPerNode.value > 1 && free) {
    const ranks = gpusPerNode.value;
    changes.push({
      title: `Set zero_hpz_partition_size to ${ranks}, a copy of the weights in each node`,
      run: { ...run, sharding: known({ ...zero, hpzPartitionRanks: known(ranks, TRIED) }, TRIED) },
      edits: setPath(deepspeed.file, deepspeed.root, 'zero_optimization.zero_hpz_partition_size', ranks),
    });
  }
  if (!zero.offloadParam.known || zero.offloadParam.value === 'none') {
    changes.push({
      title: 'Set stage to 2',
      run: {
        ...run,
        sharding: known({ ...zero, stage: known(2, TRIED) }, TRIED),
        parallelism: { ...parallelism, shard: parallelism.data },
      },
      edits: setPath(deepspeed.file, deepspeed.root, 'zero_optimization.stage', 2),
    });
  }
  return changes;
}

/** HYBRID_SHARD is a strategy of FSDP1 only; FSDP2 takes a mesh of two dimensions. */
function fsdpChanges(run: TrainingRun, fsdp: FsdpSharding): Change[] {
  const { accelerate, trainer } = run.configs;
  if (!fsdp.version.known || fsdp.version.value !== 1 || !run.gpusPerNode.known) return [];
  const words = trainer && setting(trainer, 'fsdp');
  const written = words && stringOf(words);
  const edits =
    words?.node && written?.includes('full_shard')
      ? replaceValue(words.config.file, words.node, written.replace('full_shard', 'hybrid_shard'))
      : accelerate && setting(accelerate, 'fsdp_config') && !words
        ? setPath(accelerate.file, accelerate.root, 'fsdp_config.fsdp_sharding_strategy', 'HYBRID_SHARD')
        : [];
  return [
    {
      title: 'Shard inside each node (HYBRID_SHARD)',
      run: {
        ...run,
        sharding: known({ ...fsdp, strategy: known('HYBRID_SHARD', TRIED) }, TRIED),
        parallelism: { ...run.parallelism, shard: known(run.gpusPerNode.value, TRIED) },
      },
      edits,
    },
  ];
}
