import type { FileEdit, Severity } from '../findings';
import type { RunOutline, ZeroSharding } from '../run/training-run';
import { booleanOf, numberOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { removeEntry, replaceValue, setPath } from '../syntax/editing';
import type { MappingNode } from '../syntax/node';

/** ZeRO of the run; undefined where it is sharded otherwise or that is not known. */
export function zeroOf(run: RunOutline): ZeroSharding | undefined {
  return run.sharding.known && run.sharding.value.kind === 'zero' ? run.sharding.value : undefined;
}

/** The stage that will run, "auto" filled and a missing section read as 0; undefined where it is not known. */
export function stageOf(run: RunOutline): 0 | 1 | 2 | 3 | undefined {
  const stage = zeroOf(run)?.stage;
  return stage?.known ? stage.value : undefined;
}

/** Whether only the Trainer or Accelerate can be reading the file: then DeepSpeed builds what the file names. */
export function isReadByHuggingFace(run: RunOutline): boolean {
  return run.consumers.length > 0 && !run.consumers.includes('deepspeed');
}

/** A script that calls DeepSpeed itself may pass an optimizer or scheduler of its own, and then the file's is not built. */
export function severityOfBuilt(run: RunOutline): Severity {
  return isReadByHuggingFace(run) ? 'error' : 'warning';
}

/** The mapping that holds a setting. */
export function ownerOf({ config, path }: Setting): MappingNode | undefined {
  const cut = path.lastIndexOf('.');
  if (cut < 0) return config.root;
  const node = setting(config, path.slice(0, cut))?.node;
  return node?.kind === 'mapping' ? node : undefined;
}

/** Takes the whole entry of a setting out. */
export function removalOf(found: Setting): FileEdit[] {
  const owner = ownerOf(found);
  return owner ? removeEntry(found.config.file, owner, found.entry) : [];
}

/** The fix that removes a key. */
export function removeFix(found: Setting): { title: string; edits: FileEdit[] } {
  return { title: `Remove ${found.path}`, edits: removalOf(found) };
}

/** Sets ZeRO's stage where the file writes it as a number; no fix where it does not. */
export function stageFix(config: Config, stage: 2 | 3): { title: string; edits: FileEdit[] }[] {
  const path = config.dialect === 'accelerate' ? 'deepspeed_config.zero_stage' : 'zero_optimization.stage';
  const written = setting(config, path);
  if (!written?.node || numberOf(written) === undefined) return [];
  return [{ title: `Set ${path} to ${stage}`, edits: replaceValue(config.file, written.node, stage) }];
}

/** Sets one key of a config, adding the sections it needs. */
export function setFix(config: Config, path: string, value: unknown): { title: string; edits: FileEdit[] } {
  return { title: `Set ${path} to ${JSON.stringify(value)}`, edits: setPath(config.file, config.root, path, value) };
}

/** Whether a section exists and says `enabled: true`. */
export function isEnabled(config: Config, section: string): boolean {
  return booleanOf(setting(config, `${section}.enabled`)) === true;
}

/** The device an offload section names, `none` where it names none; undefined where there is no section or it is not plain. */
export function offloadDeviceOf(config: Config, section: 'offload_optimizer' | 'offload_param'): string | undefined {
  const found = setting(config, `zero_optimization.${section}`);
  if (found?.node?.kind !== 'mapping') return undefined;
  const device = setting(config, `zero_optimization.${section}.device`);
  return device ? stringOf(device) : 'none';
}

/** Data-parallel ranks, where nothing that no file shows (a mesh of the script's own) can divide them. */
export function dataRanksOf(run: RunOutline): number | undefined {
  const { tensor, pipeline, context } = run.parallelism;
  const divided = [tensor, pipeline, context].some((size) => !size.known || size.value > 1);
  return run.worldSize.known && !divided ? run.worldSize.value : undefined;
}
