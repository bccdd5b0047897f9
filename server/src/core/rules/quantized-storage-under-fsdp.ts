import { accelerateFsdp } from '../rules-support/fsdp';
import { isTrl, isTrue, recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

const QLORA = 'packing: false\nuse_peft: true\nload_in_4bit: true\n';
const WRAP = 'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP';

/** Reports quantised weights in a storage type that FSDP cannot shard. */
export const quantizedStorageUnderFsdp = rule({
  id: 'quantized-storage-under-fsdp',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['load_in_8bit', 'load_in_4bit'],
  why: 'FSDP shards floating-point tensors. 4-bit weights are kept in uint8 unless bnb_4bit_quant_storage names a float type: FSDP 1 then stops while it flattens the parameters, and FSDP 2 leaves a full copy of the base model on every GPU.',
  source: [
    'torch/distributed/fsdp/_flat_param.py:806 (2.13.0) FSDP 1',
    'accelerate src/accelerate/utils/fsdp_utils.py:785 (1.15.0) FSDP 2',
    'https://github.com/huggingface/trl/issues/1723',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'train.yaml': recipe(QLORA), 'accelerate.yaml': accelerateFsdp(WRAP) } }],
    good: [
      {
        files: {
          'train.yaml': recipe(`${QLORA}bnb_4bit_quant_storage: bfloat16\n`),
          'accelerate.yaml': accelerateFsdp(WRAP),
        },
      },
      { files: recipe(QLORA) },
    ],
  },
  check({ config, run, report }) {
    if (!isTrl(config) || !run.sharding.known || run.sharding.value.kind !== 'fsdp') return;
    const { version } = run.sharding.value;
    if (!version.known) return;
    const eight = setting(config, 'load_in_8bit');
    if (eight && isTrue(config, 'load_in_8bit') && version.value === 1) {
      report({
        at: eight,
        message:
          'load_in_8bit is true, and FSDP 1 cannot flatten 8-bit weights: it stops when it wraps the model. 4-bit weights with bnb_4bit_quant_storage "bfloat16" can be sharded.',
      });
      return;
    }
    const four = setting(config, 'load_in_4bit');
    const storage = setting(config, 'bnb_4bit_quant_storage');
    if (!four || !isTrue(config, 'load_in_4bit')) return;
    const word = storage ? stringOf(storage) : 'uint8';
    if (word !== 'uint8') return;
    report({
      at: storage ? [storage, four] : four,
      message: `4-bit weights are stored as uint8${storage ? '' : ' unless bnb_4bit_quant_storage says otherwise'}: ${version.value === 1 ? 'FSDP 1 cannot flatten them and stops when it wraps the model' : 'FSDP 2 does not shard them, and every GPU keeps the whole base model'}.`,
      fixes: [
        {
          title: 'Set bnb_4bit_quant_storage to "bfloat16"',
          edits: setPath(config.file, config.root, 'bnb_4bit_quant_storage', 'bfloat16'),
        },
      ],
    });
  },
});
