import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const ACCELERATE = 'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\n';

describe('what a template fills in', () => {
  it.each(['attn_implementation: "{{ attention }}"\n', `use_flash_attention_2: "\${FLASH}"\n`])(
    'leaves the attention open: %j',
    (more) => {
      expect(told(join({ 'train.yaml': trainer(more) }).run.attention)).toMatch(/^unknown: .*filled in/);
    },
  );

  it.each([
    { 'train.yaml': trainer('torch_compile: "{{ compile }}"\n'), 'accelerate.yaml': ACCELERATE },
    { 'accelerate.yaml': `${ACCELERATE}dynamo_config:\n  dynamo_backend: "\${BACKEND}"\n` },
  ])('leaves open whether blocks are compiled: %j', (files) => {
    expect(told(join(files).run.torchCompile)).toMatch(/^unknown: .*filled in/);
  });
});
