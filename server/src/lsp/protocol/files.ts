/** Request server → client `shardlens/readFile` {uri}: for files of virtual workspaces, which node:fs cannot read. */
export interface ReadFileAnswer {
  /** Base64 of the bytes; null when there is no such file. */
  readonly base64: string | null;
}

/** Request server → client `shardlens/listFolder` {uri}: names of the files in a folder of a virtual workspace. */
export interface ListFolderAnswer {
  readonly names: readonly string[];
}
