import { runDialects } from '../source';
import type { Node, ScalarNode } from '../syntax/node';
import { rule } from './rule';

/** `2e-5`, `1e4`: what people read as a number and PyYAML as text, because YAML 1.1 wants a dot and a signed exponent. */
const LOOKS_LIKE_NUMBER = /^[-+]?\d+(?:\.\d*)?[eE][-+]?\d+$/;

/** Reports YAML scalars that PyYAML reads as text although they look like numbers. */
export const yamlNumberIsText = rule({
  id: 'yaml-number-is-text',
  severity: 'warning',
  applies: runDialects,
  why: 'PyYAML follows YAML 1.1: without a dot and a sign, 2e-5 is the text "2e-5". HfArgumentParser passes it on and the optimizer stops with a TypeError; TrlParser turns it into a number.',
  source: [
    'PyYAML lib/yaml/resolver.py:177 (6.0) float pattern',
    'transformers src/transformers/hf_argparser.py (5.18.0) parse_yaml_file',
    'torch/optim/adamw.py (2.13) TypeError comparing float and str',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'train.yaml',
        files:
          'output_dir: out\nlearning_rate: 2e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nnum_train_epochs: 1\n',
      },
    ],
    good: [
      {
        name: 'train.yaml',
        files:
          'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nnum_train_epochs: 1\n',
      },
    ],
  },
  check({ config, report }) {
    if (config.file.tree.format !== 'yaml' || config.at !== '') return;
    for (const { key, under, node } of plainScalars(config.root)) {
      if (node.scalar.type !== 'string' || node.templated || !LOOKS_LIKE_NUMBER.test(node.raw)) continue;
      const written = withDotAndSign(node.raw);
      // No parser converts what stands inside a mapping.
      const certain = config.dialect === 'trainer' && under === 'lr_scheduler_kwargs';
      report({
        at: node,
        ...(certain && { severity: 'error' as const }),
        message: `PyYAML reads ${key}: ${node.raw} as text, not as a number; ${certain ? 'the job stops when the schedule is built' : 'a Trainer that does not convert it stops when the optimizer is built'}.`,
        // A number beyond all numbers would become infinite.
        fixes: Number.isFinite(Number(written))
          ? [
              {
                title: `Write ${written}`,
                preferred: true,
                edits: [{ path: config.file.path, start: node.start, end: node.end, newText: written }],
              },
            ]
          : [],
      });
    }
  },
});

/** `2e-5` → `2.0e-5`, `1e4` → `1.0e+4`. */
function withDotAndSign(raw: string): string {
  const [mantissa = '', exponent = ''] = raw.split(/[eE]/);
  const whole = mantissa.includes('.') ? mantissa.replace(/\.$/, '.0') : `${mantissa}.0`;
  return `${whole}e${/^[-+]/.test(exponent) ? exponent : `+${exponent}`}`;
}

/** A scalar with its key and that of the mapping it stands in. */
interface Keyed<T extends Node> {
  readonly key: string;
  readonly under: string;
  readonly node: T;
}

function plainScalars(root: Node): Keyed<ScalarNode>[] {
  const found: Keyed<ScalarNode>[] = [];
  const stack: Keyed<Node>[] = [{ key: '', under: '', node: root }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { key, under, node } = next;
    if (node.kind === 'mapping') {
      for (const entry of node.entries) if (entry.value) stack.push({ key: entry.key, under: key, node: entry.value });
    } else if (node.kind === 'sequence') stack.push(...node.items.map((item) => ({ key, under, node: item })));
    else if (node.style === 'plain') found.push({ key, under, node });
  }
  return found;
}
