import type { FileStatus } from './protocol/document';

/**
 * What the server and its VS Code client say to each other beyond LSP. Hardly more than types: both bundles use them, and other
 * editors may ignore all of it and still get diagnostics, fixes, hover, completion, hints and links.
 */
export type * from './protocol/check';
export type * from './protocol/document';
export type * from './protocol/files';
export type * from './protocol/logs';
export type * from './protocol/search';
export type * from './protocol/settings';

/**
 * Names of our requests and notifications, beside those of LSP. `overrides` (client to server) is sent whole at each change;
 * `refresh` (server to client) says that lenses and status of all files may have changed.
 */
export const methods = {
  lenses: 'shardlens/lenses',
  status: 'shardlens/status',
  targets: 'shardlens/targets',
  breakdown: 'shardlens/breakdown',
  view: 'shardlens/view',
  explain: 'shardlens/explain',
  fit: 'shardlens/fit',
  machines: 'shardlens/machines',
  compareTargets: 'shardlens/compareTargets',
  searchProgress: 'shardlens/searchProgress',
  importHardware: 'shardlens/importHardware',
  calibrate: 'shardlens/calibrate',
  check: 'shardlens/check',
  overrides: 'shardlens/overrides',
  refresh: 'shardlens/refresh',
  readFile: 'shardlens/readFile',
  listFolder: 'shardlens/listFolder',
} as const;

/** The status of a document that is no training config. */
export const NOT_OURS: FileStatus = {
  title: null,
  reason: null,
  foreign: false,
  summary: null,
  errors: 0,
  warnings: 0,
};
