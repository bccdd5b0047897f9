import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, type Setting, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const V5 = '{ "frameworks": { "transformers": "5.18.0" } }';
const WORDS = new Set([
  'full_shard',
  'shard_grad_op',
  'no_shard',
  'hybrid_shard',
  'hybrid_shard_zero2',
  'offload',
  'auto_wrap',
]);

/** Reports the words of the fsdp argument that FSDP 2 does not have, or that no release has. */
export const fsdpWordUnsupported = rule({
  id: 'fsdp-word-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['fsdp'],
  why: 'From 5.10 on transformers runs FSDP 2 unless fsdp_config.version is 1. FSDP 2 has no hybrid_shard and no no_shard as words of fsdp, and the Trainer raises a ValueError for them, as for any unknown word.',
  source: [
    'transformers src/transformers/training_args.py:2876 (5.18.0) FSDP 1 only',
    'transformers src/transformers/training_args.py:2896 (5.18.0) unknown option',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: { 'train.yaml': recipe('fsdp: hybrid_shard auto_wrap\n'), 'shardlens.json': V5 } },
      { files: recipe('fsdp: full_shard autowrap\n') },
      { files: recipe('fsdp: full_shard,auto_wrap\n') },
    ],
    good: [
      {
        files: {
          'train.yaml': recipe('fsdp: hybrid_shard auto_wrap\nfsdp_config:\n  version: 1\n'),
          'shardlens.json': V5,
        },
      },
      { files: recipe('fsdp: full_shard auto_wrap\n') },
    ],
  },
  check({ config, run, report }) {
    const fsdp = setting(config, 'fsdp');
    const text = fsdp?.node?.kind === 'scalar' && !fsdp.node.templated ? stringOf(fsdp) : undefined;
    if (!fsdp?.node || text === undefined || /^(?:true|false|yes|no|on|off|1|0)?$/i.test(text.trim())) return;
    // Both 4.57 and 5.18 split at spaces only and compare with case.
    const words = text.trim().split(/\s+/);
    const strange = words.find((word) => !WORDS.has(word));
    if (strange !== undefined) {
      const meant = text
        .trim()
        .toLowerCase()
        .split(/[\s,;]+/);
      const isPlain = meant.every((word) => WORDS.has(word));
      report({
        at: fsdp,
        // transformers 5 takes a strategy of FSDP 1 in any case.
        severity: isPlain && !text.includes(',') ? 'warning' : 'error',
        message: `fsdp has no word "${strange}"; the words are ${[...WORDS].join(', ')}, in small letters with spaces between them. The Trainer stops at start-up.`,
        fixes: isPlain
          ? [{ title: `Write "${meant.join(' ')}"`, edits: replaceValue(config.file, fsdp.node, meant.join(' ')) }]
          : [],
      });
      return;
    }
    if (reportOldCombination(fsdp, words)) return;
    reportBefore5(fsdp, words);
    const hybrid = words.find((word) => /^(?:no_shard|hybrid_shard|hybrid_shard_zero2)$/i.test(word));
    const section = run.configs.fsdp;
    const written = section && (setting(section, 'version') ?? setting(section, 'fsdp_version'));
    const stated = statedVersion(run, 'transformers');
    if (hybrid === undefined || (stated !== undefined && !isAtLeast(stated, '5.10.0'))) return;
    if (written && numberOf(written) !== 2) return;
    reportHybrid(fsdp, hybrid);

    /** transformers before 5.10 wants one strategy, and offload beside it. */
    function reportOldCombination(found: Setting, all: readonly string[]): boolean {
      const release = statedVersion(run, 'transformers');
      if (release === undefined || isAtLeast(release, '5.10.0')) return false;
      const alone = all.length === 1 && all[0] === 'offload';
      const two = all.includes('full_shard') && all.includes('shard_grad_op');
      if (!alone && !two) return false;
      const meant = alone ? 'full_shard auto_wrap offload' : all.filter((word) => word !== 'shard_grad_op').join(' ');
      report({
        at: found,
        message: alone
          ? `fsdp "offload" needs full_shard or shard_grad_op beside it; transformers ${release} stops at start-up.`
          : `fsdp names both full_shard and shard_grad_op; transformers ${release} stops at start-up.`,
        fixes: found.node ? [{ title: `Write "${meant}"`, edits: replaceValue(config.file, found.node, meant) }] : [],
      });
      return true;
    }

    /** transformers 4 wants exactly one strategy; 5 takes what it can use. */
    function reportBefore5(found: Setting, all: readonly string[]): void {
      const version = statedVersion(run, 'transformers');
      const { node } = found;
      if (version !== undefined && isAtLeast(version, '5.0.0')) return;
      const alone = all.length === 1 && all[0] === 'offload';
      const both = all.includes('full_shard') && all.includes('shard_grad_op');
      if (!node || (!alone && !both)) return;
      report({
        at: found,
        severity: version === undefined ? 'warning' : 'error',
        message: `${alone ? 'fsdp "offload" names no strategy' : 'fsdp names full_shard and shard_grad_op'}; transformers ${version ?? '4'} stops at start-up.`,
        fixes: alone
          ? [{ title: 'Write "full_shard offload"', edits: replaceValue(config.file, node, 'full_shard offload') }]
          : [],
      });
    }

    function reportHybrid(found: Setting, word: string): void {
      report({
        at: written ? [found, written] : found,
        severity: stated === undefined ? 'warning' : 'error',
        message: `FSDP 2${written ? '' : `, the default of transformers ${stated ?? '5.10 and later'},`} has no ${word}; the Trainer stops at start-up. Replicas need Accelerate's parallelism_config or fsdp_config.version 1.`,
      });
    }
  },
});
