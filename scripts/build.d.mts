import type { Metafile } from 'esbuild';

export function build(options?: { sourcemap?: boolean }): Promise<Metafile>;
