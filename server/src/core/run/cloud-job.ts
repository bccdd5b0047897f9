import type { Found } from './manifest-values';

/** What one job of a file says, by the names of manifest-values.ts; absent where it is not written in plain words. */
export interface CloudJob {
  readonly values: ReadonlyMap<string, JobValue>;
  /** A task runs on one node where nothing multiplies it; the other jobs always say how many they take. */
  readonly oneNode?: boolean;
  /** Its own part of the text, where that holds all that is said of the job. */
  readonly span?: { readonly start: number; readonly end: number };
}

/** A value with its own name in the file, for showing. */
export interface JobValue extends Found {
  readonly key: string;
}

/** An EC2 or SageMaker instance type. */
export const MACHINE = /^(?:ml\.)?[a-z][a-z0-9-]*\.[a-z0-9-]+$/;

/** A list of one entry, or of none where nothing plain is written. `as` is the value to keep in place of what is written. */
export function jobValue(
  name: string,
  key: string,
  found: Found | undefined,
  shape: RegExp,
  as?: string,
): [string, JobValue][] {
  return found && shape.test(found.value) ? [[name, { value: as ?? found.value, at: found.at, key }]] : [];
}

/** Whether a variable of a container is one that decides paths or allocation. */
export function isVariable(name: string): boolean {
  return /^(?:(?:NCCL|FI)_[A-Z0-9_]+|OMP_NUM_THREADS|PYTORCH_(?:CUDA_)?ALLOC_CONF|CUDA_LAUNCH_BLOCKING)$/.test(name);
}
