import type { Overrides, RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import { autoValues } from '../dialects/deepspeed/auto';
import type { FileReference, Recognition } from '../dialects/dialect';
import { readArguments } from '../dialects/trainer/read';
import type { Severity } from '../findings';
import { join } from '../paths';
import type { Config, Path, SourceFile, Workspace } from '../source';
import { readBatch } from './batch';
import { readPlace } from './cluster';
import { findConsumer } from './consumer';
import { readEnvironment, readJob } from './environment';
import { readEvalGeneration, readKeptLogits } from './evaluation';
import { type FileFacts, FileFinder, factsOf } from './files';
import { readHead } from './head';
import { readQuantizedTraining } from './kbit';
import type { Launch } from './launch';
import { readLiger } from './liger';
import { type Links, linkFiles, type OneLaunch } from './links';
import { readLora, readNestedQuantization, readQuantization } from './lora';
import { readModel } from './model';
import { readOptimizer } from './optimizer';
import { readParallelism, shardRanks } from './parallelism';
import { readPrecision } from './precision';
import { readPreference } from './preference';
import { readEarlyStop, readLoaderWorkers, readRecomputedEvery, readSavedOnHost, readSyncEachMicro } from './recompute';
import { type ProjectSettings, settingsFor } from './settings-file';
import { readSharding } from './sharding';
import type { RunSources } from './sources';
import { readStorage } from './storage';
import {
  readAttention,
  readCheckpointing,
  readClipping,
  readCompile,
  readFusedLoss,
  readSavesOptimizer,
  readStrategy,
  readThreads,
} from './training';
import type { Disagreement, RunOutline, TrainingRun } from './training-run';
import { readVersions } from './versions';
import { countFrom } from './written';

export interface JoinInput {
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  readonly overrides: Overrides;
  /** Joined as if no other launch line started the run. */
  readonly only?: { readonly launch: Launch; readonly trainer: SourceFile } | undefined;
}

export interface Joined {
  readonly run: RunOutline;
  /** The run with how it trains; worked out when first asked for. */
  readonly wholeRun: () => TrainingRun;
  /** Of the analysed file: its own config, then the sections in it. */
  readonly configs: readonly Config[];
  /** Settings of the analysed file that name other files. */
  readonly references: readonly FileReference[];
  /** Files whose change makes this stale, those looked for in vain included. */
  readonly dependencies: Set<Path>;
  readonly notes: readonly RunNote[];
  /** Levels that shardlens.json gives rules for this file. */
  readonly levels: Readonly<Record<string, Severity | 'off'>>;
}

/** Joins a file with the rest of the run it belongs to. Never throws; what is not known says why. */
export function joinRun(file: SourceFile, recognition: Recognition, input: JoinInput): Joined {
  const dependencies = new Set<Path>([file.path]);
  const finder = new FileFinder(input.workspace, dependencies);
  const settingsOf = (main: Path) => settingsFor(file.path, finder, input.overrides.settingsPath, main);
  const alone = settingsOf(file.path);
  const own = factsOf(file, recognition) ?? { file, dialect: 'deepspeed', configs: [], names: [] };
  const links = linkFiles(own, alone, finder, input.only && onlyLaunch(input.only));
  const main = links.configs.trainer?.file.path ?? file.path;
  const settings = alone.config && main !== file.path ? settingsOf(main) : alone;
  const { outline, sources } = outlineRun(own, links, settings, input, finder);
  let whole: TrainingRun | undefined;
  return {
    run: outline,
    wholeRun: () => {
      whole ??= completeRun(outline, sources);
      return whole;
    },
    configs: own.configs,
    references: links.references,
    dependencies,
    notes: [...settings.notes, ...finder.notes],
    levels: settings.rules,
  };
}

/** The file that holds the arguments is taken for what it is, whatever its keys look like. */
function onlyLaunch({ launch, trainer }: NonNullable<JoinInput['only']>): OneLaunch | undefined {
  const facts = factsOf(trainer, { dialect: 'trainer', confidence: 1, reason: 'its flags are training arguments' });
  return facts && { launch, trainer: facts };
}

/** Reads the facts that most rules ask about, in the order in which they need each other. Only these look at further files. */
function outlineRun(
  own: FileFacts,
  links: Links,
  settings: ProjectSettings,
  { catalogs, overrides }: JoinInput,
  finder: FileFinder,
): { readonly outline: RunOutline; readonly sources: RunSources } {
  const disagreements: Disagreement[] = [];
  const args = readArguments(links.configs.trainer, links.launch);
  const { deepspeed, accelerate, fsdp } = links.configs;
  const { consumer, consumers } = findConsumer(links, args, settings);
  const sources: RunSources = {
    links,
    settings,
    overrides,
    args,
    deepspeed,
    accelerate,
    fsdp,
    consumer,
    consumers,
    frameworks: readVersions(own.file.path, settings, finder, links),
    model: readModel({ args, overrides, settings, links }, catalogs, finder, disagreements),
  };
  const place = readPlace(sources, catalogs, finder, disagreements);
  const ranks = readParallelism(sources, place);
  const sharding = readSharding(sources, place.worldSize);
  // All runs are one kind of object to V8, whatever they lack: every rule and every term of an estimate reads them.
  const outline: RunOutline = {
    consumer: sources.consumer,
    consumers: sources.consumers,
    frameworks: sources.frameworks,
    files: links.files,
    undecided: links.candidates,
    configs: settings.config ? { ...links.configs, shardlens: settings.config } : links.configs,
    model: sources.model,
    cluster: place.cluster,
    nodes: place.nodes,
    gpusPerNode: place.gpusPerNode,
    worldSize: place.worldSize,
    batch: readBatch(sources, ranks, disagreements),
    parallelism: {
      tensor: ranks.tensor,
      pipeline: ranks.pipeline,
      context: ranks.context,
      expert: ranks.expert,
      data: ranks.data,
      shard: shardRanks(sources, ranks, sharding, place.gpusPerNode),
    },
    sharding,
    lora: readLora(sources),
    method: args.method,
    environment: readEnvironment(sources, finder),
    job: readJob(sources, finder),
    storage: readStorage(sources, finder),
    launch: links.launch,
    evaluation: readStrategy(sources, 'eval'),
    saves: readStrategy(sources, 'save'),
    measured: settings.measured.length > 0 ? measuredOf(own.file.path, links, settings) : undefined,
    datasetSamples: settings.fields.datasetSamples && countFrom(settings.fields.datasetSamples),
    launches: links.launches.length > 0 ? links.launches : undefined,
    disagreements,
  };
  return { outline, sources };
}

/** How the run trains: what estimates and the rules about memory and time ask for. */
function completeRun(outline: RunOutline, sources: RunSources): TrainingRun {
  const { batch, sharding, lora } = outline;
  return {
    ...outline,
    autos: autoValues(sources, batch),
    precision: readPrecision(sources, sharding),
    optimizer: readOptimizer(sources, sharding),
    checkpointing: readCheckpointing(sources, sharding),
    recomputeStopsEarly: readEarlyStop(sources, sharding),
    recomputedEvery: readRecomputedEvery(sources),
    savedOnHost: readSavedOnHost(sources),
    syncsEachMicro: readSyncEachMicro(sources),
    attention: readAttention(sources),
    fusedLoss: readFusedLoss(sources),
    liger: readLiger(sources),
    head: readHead(sources),
    preference: readPreference(sources, lora),
    quantization: readQuantization(sources),
    nestedQuantization: readNestedQuantization(sources),
    quantizedTraining: readQuantizedTraining(sources),
    torchCompile: readCompile(sources),
    gradientClipping: readClipping(sources),
    ompThreads: readThreads(sources, outline, outline.environment),
    evalLogits: readKeptLogits(sources),
    evalGeneration: readEvalGeneration(sources),
    savesOptimizer: readSavesOptimizer(sources),
    loaderWorkers: readLoaderWorkers(sources),
  };
}

/** Every measurement that shardlens.json keeps, with those of the files of this run marked. */
function measuredOf(path: Path, links: Links, settings: ProjectSettings): TrainingRun['measured'] {
  const paths = new Set([path, ...links.files.map((file) => file.path)]);
  return settings.measured.map((it) => ({ ...it, isOwn: paths.has(join(settings.folder, it.file)) }));
}
