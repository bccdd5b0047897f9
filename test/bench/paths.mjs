import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const server = path.join(root, 'dist', 'shardlens.js');
export const example = path.join(root, 'examples', 'llama-3-8b-zero3-offload');
