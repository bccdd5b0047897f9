"""Records what `accelerate to-fsdp2` makes of configs: test/unit/rewrite/fixtures/to-fsdp2.json.

Run by hand with accelerate installed: python test/oracle/to_fsdp2.py > test/unit/rewrite/fixtures/to-fsdp2.json
"""

import itertools
import json
import logging

import accelerate
import yaml
from accelerate.commands.to_fsdp2 import convert_config_to_fsdp2

HEAD = "compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\n"
TAIL = "mixed_precision: bf16\nnum_machines: 1\nnum_processes: 8\n"
STRATEGIES = ["FULL_SHARD", "SHARD_GRAD_OP", "NO_SHARD", "HYBRID_SHARD", "HYBRID_SHARD_ZERO2"]

SECTIONS = [
    # As `accelerate config` wrote it for FSDP 1.
    *(
        f"  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n  fsdp_backward_prefetch: BACKWARD_PRE\n"
        f"  fsdp_cpu_ram_efficient_loading: true\n  fsdp_forward_prefetch: false\n  fsdp_offload_params: false\n"
        f"  fsdp_sharding_strategy: {strategy}\n  fsdp_state_dict_type: SHARDED_STATE_DICT\n"
        f"  fsdp_sync_module_states: true\n  fsdp_use_orig_params: true\n"
        for strategy in STRATEGIES
    ),
    # The new name with the old values, and a version.
    *(f"  fsdp_reshard_after_forward: {value}\n  fsdp_version: 1\n" for value in [*STRATEGIES, "true", "false"]),
    # Both names, either way round.
    "  fsdp_sharding_strategy: FULL_SHARD\n  fsdp_reshard_after_forward: SHARD_GRAD_OP\n",
    "  fsdp_reshard_after_forward: SHARD_GRAD_OP\n  fsdp_sharding_strategy: FULL_SHARD\n",
    # Comments, other keys, and only keys that go.
    "  # how to shard\n  fsdp_sharding_strategy: FULL_SHARD # all of it\n  fsdp_use_orig_params: true # gone\n"
    "  fsdp_limit_all_gathers: true\n  fsdp_transformer_layer_cls_to_wrap: LlamaDecoderLayer\n",
    "  fsdp_use_orig_params: true\n  fsdp_forward_prefetch: true\n",
    "    fsdp_version: 1\n    fsdp_min_num_params: 1000\n    fsdp_activation_checkpointing: yes\n",
]


def texts():
    for section, order in itertools.product(SECTIONS, ["last", "first"]):
        block = f"fsdp_config:\n{section}"
        yield HEAD + TAIL + block if order == "last" else HEAD + block + TAIL
    yield HEAD + TAIL + "fsdp_config: {fsdp_sharding_strategy: FULL_SHARD, fsdp_use_orig_params: true}\n"
    yield HEAD + TAIL.replace("\n", "\n\n") + "fsdp_config:\n" + SECTIONS[0].rstrip("\n")


logging.disable(logging.CRITICAL)
cases = [{"before": text, "after": convert_config_to_fsdp2(yaml.safe_load(text))} for text in texts()]
print(json.dumps({"accelerate": accelerate.__version__, "cases": cases}, indent=1))
