import type { MappingNode, Tree } from './syntax/node';
import type { Encoding } from './text/decode';
import type { LineIndex } from './text/lines';

/**
 * A path with `/` between its parts and no `.` or `..` in it: an absolute file path (`/home/me/ds.json`, `C:/me/ds.json`)
 * or, in a virtual workspace, a URI (`vscode-vfs://github/o/r/ds.json`). The core only joins and splits paths.
 */
export type Path = string;

/** A file that has been read into a tree. Immutable; a change makes a new one. */
export interface SourceFile {
  readonly path: Path;
  readonly text: string;
  readonly lines: LineIndex;
  readonly tree: Tree;
}

export type DialectId = 'deepspeed' | 'trainer' | 'fsdp' | 'accelerate' | 'shardlens' | 'model' | 'cluster';

/** For rules that look at the text or at the whole run, whatever the dialect. */
export const allDialects: readonly DialectId[] = [
  'deepspeed',
  'trainer',
  'fsdp',
  'accelerate',
  'shardlens',
  'model',
  'cluster',
];

/** The dialects that describe a training run. */
export const runDialects: readonly DialectId[] = ['deepspeed', 'trainer', 'fsdp', 'accelerate'];

/** A config of one dialect: a whole file, or a mapping inside one (`fsdp_config:` in a Trainer YAML, `deepspeed:` inline). */
export interface Config {
  readonly dialect: DialectId;
  readonly file: SourceFile;
  readonly root: MappingNode;
  /** Where it sits in its file: '' for a whole file, else the dotted path, as `fsdp_config`. */
  readonly at: string;
}

export type ReadResult =
  | {
      readonly ok: true;
      readonly text: string;
      /** The file begins with this encoding's byte order mark, which is no part of the text. */
      readonly mark?: Encoding | undefined;
    }
  | {
      readonly ok: false;
      /** `pending`: asked for, not here yet (virtual workspaces); the analysis runs again when it is. */
      readonly why: 'missing' | 'outside' | 'unreadable' | 'too-large' | 'binary' | 'pending';
    };

/** The files the core may look at. Reads stay inside the workspace folders; the adapter that implements it sees to that. */
export interface Workspace {
  /** Workspace folders; the parent of the file itself where there is none. */
  readonly roots: readonly Path[];
  read(path: Path): ReadResult;
  /** Parsed form of {@link read}, cached by the adapter per version of the file; undefined where it cannot be read. */
  source(path: Path): SourceFile | undefined;
  /** Names of the files (not folders) in a folder, sorted; empty when it cannot be listed. */
  list(folder: Path): readonly string[];
  /** What stands for a folder while none of the files changes; absent where each look at a file has to be noted. */
  still?(folder: Path): StillFolder | undefined;
}

/** A folder of which nothing changes: what is made of the files in it can be kept with it. */
export class StillFolder {}
