import { schemaProblems } from '../schema/problems';
import { setting as settingAt } from '../settings';
import type { Config } from '../source';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports sections that lack a key the framework cannot do without. */
export const missingKey = rule({
  id: 'missing-key',
  severity: 'error',
  applies: ['accelerate', 'deepspeed'],
  when: 'schema-problem',
  why: 'Accelerate refuses a file without distributed_type; DeepSpeed looks required keys of its data sections up without a default.',
  source: [
    'accelerate src/accelerate/commands/config/config_args.py:109 (1.15.0)',
    'deepspeed/runtime/data_pipeline/config.py:143 (0.19.6)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\nnum_processes: 2\nmixed_precision: bf16\nuse_cpu: false\nfsdp_config:\n  fsdp_version: 2\n',
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 2\nmixed_precision: bf16\nfsdp_config:\n  fsdp_version: 2\n',
      },
    ],
  },
  check({ config, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'missing-key') continue;
      const { setting, key } = problem;
      const certain = config.dialect === 'accelerate';
      const where = setting ? `${setting.path} has` : 'this file has';
      const first = config.root.entries[0];
      const value = setting || key !== 'distributed_type' ? undefined : typeOf(config);
      report({
        fixes:
          value === undefined
            ? []
            : [{ title: `Set distributed_type to ${value}`, edits: setPath(config.file, config.root, key, value) }],
        at: setting ?? {
          start: first?.keyNode.start ?? config.root.start,
          end: first?.keyNode.end ?? config.root.start,
        },
        on: 'key',
        severity: certain ? 'error' : 'warning',
        message: `${certain ? 'Accelerate' : 'DeepSpeed'} needs ${key}, which ${where} not; ${certain ? 'the launcher stops' : 'the job stops when the section is used'}.`,
      });
    }
  },
});

/** The type whose section the file has; a file with both, or with neither, does not tell. */
function typeOf(config: Config): string | undefined {
  const has = (key: string) => settingAt(config, key)?.node?.kind === 'mapping';
  const [type, ...others] = [
    ...(has('deepspeed_config') ? ['DEEPSPEED'] : []),
    ...(has('fsdp_config') ? ['FSDP'] : []),
    ...(has('megatron_lm_config') ? ['MEGATRON_LM'] : []),
  ];
  return others.length === 0 ? type : undefined;
}
