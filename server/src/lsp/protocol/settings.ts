/** Initialization options and the `shardlens` section of the client's settings. */
export interface ClientSettings {
  readonly hints?: {
    readonly enabled?: boolean;
    readonly memory?: boolean;
    readonly offload?: boolean;
    readonly interconnect?: boolean;
    readonly buckets?: boolean;
    readonly auto?: boolean;
  };
  readonly lenses?: { readonly enabled?: boolean };
}

/** What was picked in the editor; wins over shardlens.json. Sent whole at each change; absent fields are not overridden. */
export interface EditorOverrides {
  /** Name of a target in shardlens.json. */
  readonly target?: string;
  /** Catalog id of an instance or accelerator. */
  readonly hardware?: string;
  readonly nodes?: number;
  readonly gpusPerNode?: number;
  readonly model?: string;
  readonly sequenceLength?: number;
}
