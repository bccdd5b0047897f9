import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fsdp2Rewrites } from '../../../server/src/core/rewrite/fsdp2';
import { parseYaml } from '../../../server/src/core/syntax/parse';
import { toPlain } from '../../../server/src/core/syntax/plain';
import { applied, project } from './rewriting';

/** The file behind the move, and what its title says; undefined where none is offered. */
function moved(files: Readonly<Record<string, string>>) {
  const [rewrite] = fsdp2Rewrites(project(files).analysis);
  return rewrite && { title: rewrite.title, files: applied(files, rewrite.edits) };
}

const yaml = (text: string) => moved({ 'accelerate.yaml': text })?.files['accelerate.yaml'];

describe('an Accelerate file', () => {
  const recorded = JSON.parse(readFileSync(new URL('./fixtures/to-fsdp2.json', import.meta.url), 'utf8')) as {
    readonly cases: readonly { readonly before: string; readonly after: unknown }[];
  };

  it.each(recorded.cases.map((one, index) => [index, one] as const))(
    'says behind the move what `accelerate to-fsdp2` writes (case %i)',
    (_, { before, after }) => {
      const text = yaml(before);
      expect(toPlain(parseYaml(text ?? '').root, 'yaml')).toEqual(after);
      for (const variant of [before.replaceAll('\n', '\r\n')]) {
        expect(yaml(variant)).toBe(text?.replaceAll('\n', '\r\n'));
      }
    },
  );

  const HEAD = 'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 8\n';

  it('keeps comments, order, indentation and quotes', () => {
    expect(
      yaml(
        `${HEAD}# sharding\nfsdp_config:\n    # which blocks\n    "fsdp_transformer_layer_cls_to_wrap": "LlamaDecoderLayer"  # Llama\n    fsdp_backward_prefetch: BACKWARD_PRE\n    fsdp_sharding_strategy: SHARD_GRAD_OP   # gradients only\n\n    fsdp_use_orig_params: true\n# end\n`,
      ),
    ).toBe(
      `${HEAD}# sharding\nfsdp_config:\n    # which blocks\n    "fsdp_transformer_layer_cls_to_wrap": "LlamaDecoderLayer"  # Llama\n    fsdp_reshard_after_forward: false   # gradients only\n\n    fsdp_version: 2\n# end\n`,
    );
  });

  it('understands strategies by number and in any case, which to-fsdp2 leaves as they are', () => {
    expect(yaml(`${HEAD}fsdp_config:\n  fsdp_sharding_strategy: 2\n`)).toContain('fsdp_reshard_after_forward: false\n');
    expect(yaml(`${HEAD}fsdp_config:\n  fsdp_sharding_strategy: full_shard\n`)).toContain(
      'fsdp_reshard_after_forward: true\n',
    );
  });

  it('says what is not kept', () => {
    const title = (strategy: string) =>
      moved({ 'accelerate.yaml': `${HEAD}fsdp_config:\n  fsdp_sharding_strategy: ${strategy}\n` })?.title;
    expect(title('FULL_SHARD')).toBe('Move fsdp_config to FSDP 2');
    expect(title('NO_SHARD')).toMatch(/NO_SHARD has no counterpart/);
    expect(title('HYBRID_SHARD')).toMatch(/dp_replicate_size/);
  });

  it('is left alone where it is FSDP 2 already, not understood, or broken', () => {
    expect(yaml(`${HEAD}fsdp_config:\n  fsdp_version: 2\n  fsdp_use_orig_params: true\n`)).toBeUndefined();
    expect(yaml(`${HEAD}fsdp_config:\n  fsdp_sharding_strategy: \${STRATEGY}\n`)).toBeUndefined();
    expect(yaml(`${HEAD}fsdp_config:\n  fsdp_sharding_strategy: FULL_SHARD\nx: [\n`)).toBeUndefined();
    expect(yaml(HEAD.replace('FSDP', 'MULTI_GPU'))).toBeUndefined();
  });
});

describe("a Trainer's fsdp_config", () => {
  const train = (fsdp: string) =>
    `output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\nfsdp: ${fsdp}\nfsdp_config: fsdp.json\n`;
  const json =
    '{\n  "version": 1,\n  "backward_prefetch": "backward_pre",\n  "transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"],\n  "limit_all_gathers": true,\n  "use_orig_params": true\n}\n';

  it('becomes FSDP 2', () => {
    const result = moved({ 'fsdp.json': json, 'train.yaml': train('full_shard auto_wrap') });
    expect(result?.files['fsdp.json']).toBe(
      '{\n  "version": 2,\n  "transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"]\n}\n',
    );
  });

  it('becomes FSDP 2 inside a Trainer file', () => {
    const text = train('full_shard').replace(
      ' fsdp.json',
      '\n  version: 1 # old\n  use_orig_params: true\n  reshard_after_forward: shard_grad_op',
    );
    expect(moved({ 'train.yaml': text })?.files['train.yaml']).toBe(
      text
        .replace('version: 1', 'version: 2')
        .replace('  use_orig_params: true\n', '')
        .replace('shard_grad_op', 'false'),
    );
  });

  it('is left alone where FSDP 2 would refuse it, or where the Trainer knows no FSDP 2', () => {
    expect(moved({ 'fsdp.json': json, 'train.yaml': train('hybrid_shard auto_wrap') })).toBeUndefined();
    const old = { 'fsdp.json': json, 'train.yaml': train('full_shard'), 'requirements.txt': 'transformers==4.57.1\n' };
    expect(moved(old)).toBeUndefined();
  });
});
