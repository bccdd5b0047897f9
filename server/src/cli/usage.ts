/** Wrong usage: the message is shown as it is, with exit status 2. */
export class UsageError extends Error {}

/** A line for standard error. Behind our name a sentence goes on in lower case; names of models and machines stay as they are. */
export function complaint(message: string): string {
  return `shardlens: ${message.replace(/^(?:No|In|The|This)\b/, (word) => word.toLowerCase())}\n`;
}

/** Status of a command; other programs and CI rely on it. */
export const status = { ok: 0, findings: 1, usage: 2 } as const;

/** What `shardlens --help` prints. */
export const HELP = `Shardlens tells whether a training run will start, fit and go fast, from its config files.

Usage: shardlens <command> [options]

  check [PATH…]                    validate; folders are searched for configs it recognises
  estimate FILE                    memory, time and offload for one config; with several --target, side by side
  fit FILE                         edits that make the run fit, or go faster, best first
  calibrate FILE LOG…              what a run measured beside what is predicted; --write keeps it for later estimates
  hardware [list | show ID]        the catalog of accelerators and instances
  hardware recommend FILE          the machines on which the run fits, the cheapest per token first
  hardware import FILE…            your own machine, from an NCCL log or the output of nvidia-smi, rocm-smi, neuron-ls
  models [list | show ID|PATH]     the catalog of models, or the count of a config.json
  explain RULE                     a rule's page
  lsp --stdio                      the language server, for any editor

Options of check, estimate, fit, calibrate and hardware recommend:
  --model ID|PATH                  catalog id, or a folder or config.json in Hugging Face format
  --hardware ID|PATH               instance or accelerator of the catalog, or a cluster description
  --nodes N, --gpus N              number of nodes, and GPUs used on each
  --seq-len N                      tokens of the longest sample
  --target NAME                    a target of shardlens.json; estimate takes several, or --all-targets
  --config PATH                    the shardlens.json to use instead of the nearest one
  --format FORMAT                  text or json; check also sarif, github, junit; estimate also html

Options of hardware import:
  --target NAME                    write the machine into shardlens.json, as a target of this name
  --hardware ID                    what the machine is, where the files do not tell

Options of calibrate:
  --write                          store what was measured in shardlens.json

Options of check:
  --fix                            apply the safe fixes
  --max-warnings N                 fail when there are more warnings than N
  --quiet                          report errors only
  --stdin --stdin-filename NAME    check the text on standard input as the file NAME

  --help, --version

Exit status: 0 nothing at error level, 1 findings that fail the check (fit: nothing makes it fit), 2 wrong usage or an
unreadable file.
`;
