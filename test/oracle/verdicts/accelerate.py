"""Puts Accelerate and FSDP configs to accelerate, and FSDP settings of the Trainer to transformers, on a CPU.

    python accelerate.py CASES OUT      (record.mjs starts it)

Stages: `load` and `launch` (`accelerate launch` with the case's own flags, up to the moment it would start the workers), then in
the environment it would have set: `arguments` and `trainer` where a Trainer file is part of the run, `accelerator`
(`Accelerator()` with its plugins, on rank 0 of a process group whose other ranks do not exist) and `prepare` (a model of two layers
wrapped by FSDP 2, its wrap policy for FSDP 1, or its DeepSpeed config finished and read by DeepSpeed).
What only a machine could answer is answered here as a GPU of today would; the checks are the frameworks' own.
"""

import argparse
import json
import os
import re
import shlex
import sys
from pathlib import Path

import trainer_fakes as fakes
import verdict
from verdict import NotRun, stage

import torch  # noqa: I001
import torch.distributed.run
import yaml
import accelerate
import accelerate.accelerator
import accelerate.commands.launch as launch
import accelerate.utils.dataclasses
import accelerate.utils.launch
import transformers
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from torch.distributed import checkpoint as _  # noqa: F401
from torch.distributed.fsdp import fully_shard  # noqa: F401
from transformers import HfArgumentParser, Trainer, TrainingArguments
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

torch.set_num_threads(1)

try:
    import deepspeed
    import deepspeed.runtime.config
    from deepspeed.launcher import runner as _runner  # noqa: F401
except ImportError:
    deepspeed = None

TRAINER_FIELDS = set(TrainingArguments.__dataclass_fields__)
IS_OLD_TRAINER = transformers.__version__.startswith("4.")


def run_case(case, folder):
    stage.at("load")
    fakes.fake_gpu(fakes.AMPERE)
    texts = {name: plain_of(folder / name) for name in case["files"]}
    if case.get("method"):
        raise NotRun("TRL's own configs are put to TRL by the trainer recorder")
    config = next((name for name in in_order(case) if is_accelerate(texts[name])), None)
    trainer = next((name for name in in_order(case) if is_trainer(texts[name])), None)
    fsdp = case["entry"] if case.get("dialect") == "fsdp" else None
    line = launch_line(case)
    values = {}
    if config or line:
        values = start(case, config, line)
    elif not (trainer and has_fsdp(texts[trainer])) and not fsdp:
        raise NotRun("no Accelerate file, and no FSDP settings of the Trainer")
    else:
        fakes.fake_ranks(case["world_size"], "MULTI_GPU")
    tame()
    model = model_for(case, texts, trainer, values)
    if trainer or fsdp:
        values.update(with_trainer(texts, trainer, fsdp, model))
    else:
        values.update(without_trainer(case, model))
    return {key: value for key, value in values.items() if value not in (None, {}, [])}


# Files


def in_order(case):
    return [case["entry"], *(name for name in case["files"] if name != case["entry"])]


def plain_of(path):
    """What a file holds, by its reader; None where it is none of ours or does not parse (its own reader will say so)."""
    if path.suffix not in (".json", ".yaml", ".yml"):
        return None
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text


def is_accelerate(plain):
    if isinstance(plain, str):
        return "distributed_type:" in plain or '"distributed_type"' in plain
    return isinstance(plain, dict) and bool({"distributed_type", "compute_environment"} & set(plain))


def is_trainer(plain):
    return isinstance(plain, dict) and not is_accelerate(plain) and len(TRAINER_FIELDS & set(map(str, plain))) >= 3


def has_fsdp(plain):
    return bool(plain.get("fsdp") or plain.get("fsdp_config"))


# accelerate launch


def launch_line(case):
    """The words after `accelerate launch`, from the case or from the script that it brings."""
    if case.get("arguments"):
        return [str(each) for each in case["arguments"]]
    for name, text in case["files"].items():
        if not name.endswith((".sh", ".slurm")):
            continue
        joined = text.replace("\\\n", " ")
        for line in joined.splitlines():
            if "accelerate launch" in line:
                return shlex.split(line[line.index("accelerate launch") + len("accelerate launch") :])
    return None


class Started(Exception):
    """The launcher has come to the point where it starts the workers."""


# Any file that DeepSpeed takes: one that the case does not bring proves nothing about the one that names it.
STAND_IN = {"train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": 1, "zero_optimization": {"stage": 3}}


def stand_in(config):
    plain = plain_of(config)
    if not isinstance(plain, dict):
        return
    if plain.get("compute_environment") == "AMAZON_SAGEMAKER":
        raise NotRun("SageMaker is a service")
    section = plain.get("deepspeed_config")
    named = section.get("deepspeed_config_file") if isinstance(section, dict) else None
    if isinstance(section, dict) and section.get("deepspeed_moe_layer_cls_names"):
        raise NotRun("no model here has the mixture layers it names")
    if not isinstance(named, str) or Path(named).exists():
        return
    Path("stand-in.json").write_text(json.dumps(STAND_IN), encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(named, "stand-in.json"), encoding="utf-8")


def start(case, config, line):
    """Runs `accelerate launch` until it would start processes; then this process becomes rank 0 of them."""
    words = list(line or [])
    if config:
        stand_in(Path(config))
    if config and "--config_file" not in words:
        words = ["--config_file", config, *words]
    # A number of processes that only the launch line of a real project gives.
    stated = isinstance(plain_of(Path(config)) if config else None, dict) and "num_processes" in plain_of(Path(config))
    if not stated and "--num_processes" not in words and case.get("world_size_stated") and config:
        words = ["--num_processes", str(case["world_size"]), *words]
    if not any(word.endswith(".py") for word in words):
        words.append("train.py")
    found = {}

    def take(cmd=None, env=None, **_):
        found.update(environment=dict(env if env is not None else os.environ), words=cmd)
        raise Started

    def take_torchrun(args):
        found.update(environment=dict(os.environ))
        torch.distributed.run.config_from_args(args)
        found.update(ranks=int(args.nproc_per_node) * int(str(args.nnodes).split(":")[0]))
        found.update(endpoint=args.rdzv_endpoint or None)
        raise Started

    launch.subprocess.Popen = take
    torch.distributed.run.run = take_torchrun
    accelerate.utils.launch.is_port_in_use = lambda *_: False
    accelerate.utils.launch.is_fp8_available = lambda *_: True
    parser = launch.launch_command_parser()
    parser.exit = parser.error = refused
    args = parser.parse_args(words)
    stage.at("launch")
    try:
        launch.launch_command(args)
    except Started:
        pass
    except OSError as error:
        if "mpirun" in str(error):
            raise NotRun("mpirun is not installed") from error
        raise
    except ImportError as error:
        raise NotRun(f"not installed here: {error}") from error
    if "environment" not in found:
        raise NotRun("a launcher that is not run here")
    os.environ.clear()
    os.environ.update({name: str(value) for name, value in found["environment"].items()})
    visible = found["environment"].get("CUDA_VISIBLE_DEVICES")
    local = int(args.nproc_per_node) if str(getattr(args, "nproc_per_node", "")).isdigit() else 1
    if visible and len(visible.split(",")) < local:
        raise NotRun("two ranks share a GPU, which only NCCL refuses")
    ranks = found.get("ranks") or (args.num_processes if args.use_deepspeed else None)
    if ranks:
        fakes.fake_ranks(ranks, "MULTI_GPU")
    return {"ranks": ranks, "endpoint": found.get("endpoint"), "environment": environment_of(found["environment"])}


def refused(status=0, message=None):
    raise SystemExit(message or status)


# What every launch sets alike says nothing about a case.
USUAL = {
    "ACCELERATE_DYNAMO_BACKEND": "no",
    "ACCELERATE_DYNAMO_MODE": "default",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "False",
    "ACCELERATE_DYNAMO_USE_DYNAMIC": "False",
    "ACCELERATE_DYNAMO_USE_REGIONAL_COMPILATION": "False",
    "ACCELERATE_USE_CPU": "False",
    "ACCELERATE_USE_FSDP": "true",
    "ACCELERATE_USE_DEEPSPEED": "true",
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "FSDP_ACTIVATION_CHECKPOINTING": "false",
    "FSDP_ACTIVATION_CHECKPOINTING_OFFLOAD": "false",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_BACKWARD_PREFETCH": "BACKWARD_PRE",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    "FSDP_FORWARD_PREFETCH": "false",
    "FSDP_MIN_NUM_PARAMS": "100000000",
    "FSDP_OFFLOAD_PARAMS": "false",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_SHARDING_STRATEGY": "FULL_SHARD",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
    "FSDP_SYNC_MODULE_STATES": "true",
    "FSDP_USE_ORIG_PARAMS": "true",
    "PARALLELISM_CONFIG_CP_BACKEND": "torch",
    "PARALLELISM_CONFIG_SP_BACKEND": "deepspeed",
}


def environment_of(environment):
    """What the launcher told the script, without what it tells every script."""
    kept = {
        name: value
        for name, value in environment.items()
        if name.startswith(("ACCELERATE_", "FSDP_", "PARALLELISM_CONFIG_", "MEGATRON_LM_")) or name == "CUDA_VISIBLE_DEVICES"
    }
    return {name: value for name, value in sorted(kept.items()) if USUAL.get(name) != value and value not in ("1", "")}


# The process that the launcher starts


def tame():
    """Stands in for what a GPU would answer, and for kernels that would be compiled."""
    accelerate.utils.dataclasses.is_cuda_available = lambda *_: True
    torch.cuda.current_device = lambda: 0
    accelerate.state.is_fp8_available = lambda *_: True
    Trainer._move_model_to_device = lambda self, model, device: model
    if os.environ.get("ACCELERATE_MIXED_PRECISION") in ("fp16", "fp8"):
        on_a_gpu()
    if deepspeed is None:
        return
    accelerate.accelerator.map_pytorch_optim_to_deepspeed = lambda optimizer: optimizer
    deepspeed.comm.get_world_size = lambda *_, **__: torch.distributed.get_world_size()
    deepspeed.comm.get_rank = lambda *_, **__: 0
    # The engine needs GPUs; reading the finished config is what fails on a config.
    deepspeed.initialize = read_by_deepspeed


def on_a_gpu():
    """fp16 is for devices with kernels for it; nothing is put on this one."""

    def on_cuda(self):
        self.device = torch.device("cuda", 0)

    PartialState.set_device = on_cuda
    config = getattr(accelerate, "parallelism_config", None)
    if config is not None:
        build = config.ParallelismConfig.get_device_mesh
        config.ParallelismConfig.get_device_mesh = lambda self, *_: build(self, "cpu")


class Finished(Exception):
    """DeepSpeed has read its config."""


def read_by_deepspeed(**kwargs):
    stage.at("initialize")
    config = kwargs.get("config_params") or kwargs.get("config")
    deepspeed.runtime.config.DeepSpeedConfig(config, mpu=None)
    raise Finished


def without_trainer(case, model):
    stage.at("accelerator")
    accelerator = accelerator_here()
    values = facts_of(accelerator)
    stage.at("prepare")
    values["prepared"] = prepare(accelerator, model)
    return values


def accelerator_here():
    try:
        return Accelerator()
    except ImportError as error:
        raise NotRun(f"not installed here: {error}") from error


def with_trainer(texts, trainer, fsdp, model):
    """A Trainer over the run's arguments, as an example script builds it; then its own Accelerator prepares the model."""
    stage.at("arguments")
    if trainer:
        arguments = HfArgumentParser(TrainingArguments).parse_dict(texts[trainer], allow_extra_keys=True)[0]
    else:
        arguments = TrainingArguments(output_dir="out", bf16=True, fsdp="full_shard auto_wrap" if IS_OLD_TRAINER else True, fsdp_config=fsdp)
    arguments.output_dir = "out"
    arguments.report_to = []
    stage.at("trainer")
    if getattr(arguments, "xla_fsdp_config", None) or (arguments.fsdp_config or {}).get("xla"):
        raise NotRun("torch_xla is not installed")
    try:
        made = Trainer(model=model or tiny("LlamaForCausalLM"), args=arguments, train_dataset=rows(), eval_dataset=rows())
    except ImportError as error:
        if "Megatron" not in str(error):
            raise
        raise NotRun("Megatron-LM is built from source, and not installed here") from error
    values = facts_of(made.accelerator)
    if model is None:
        return values
    stage.at("prepare")
    values["prepared"] = prepare(made.accelerator, model)
    return values


def rows():
    row = torch.arange(4, 12)
    return [{"input_ids": row, "attention_mask": torch.ones(8, dtype=torch.long), "labels": row}] * 64


def facts_of(accelerator):
    state = accelerator.state
    facts = {"type": str(state.distributed_type.value), "precision": state.mixed_precision}
    plugin = getattr(state, "fsdp_plugin", None)
    if plugin is not None and state.distributed_type == DistributedType.FSDP:
        strategy = getattr(plugin.sharding_strategy, "name", None)
        facts["fsdp"] = {
            "version": plugin.fsdp_version,
            **({"strategy": strategy} if plugin.fsdp_version == 1 else {"reshard": plugin.reshard_after_forward}),
            "wrap": getattr(plugin.auto_wrap_policy, "__name__", None),
            "state dict": plugin.state_dict_type.name,
            # FSDP 1 has CPUOffload(offload_params=…), FSDP 2 a policy of another class.
            "offload": getattr(plugin.cpu_offload, "offload_params", type(plugin.cpu_offload).__name__.startswith("CPU")),
            "checkpointing": bool(plugin.activation_checkpointing),
        }
    mesh = getattr(state, "device_mesh", None)
    if mesh is not None:
        facts["mesh"] = dict(zip(mesh.mesh_dim_names, mesh.mesh.shape))
    return facts


def prepare(accelerator, model):
    """What `accelerator.prepare` does with the model, as far as it needs no GPU."""
    if model is None or accelerator.device.type != "cpu":
        return None
    kind = accelerator.distributed_type
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    if kind == DistributedType.DEEPSPEED:
        return prepare_deepspeed(accelerator, model, optimizer)
    if kind != DistributedType.FSDP:
        return None
    if accelerator.state.fsdp_plugin.fsdp_version != 2:
        # FSDP 1 refuses to shard on a CPU; what it shards is decided before.
        accelerator.state.fsdp_plugin.set_auto_wrap_policy(model)
        return "policy"
    try:
        accelerator.prepare(model, optimizer)
    except RuntimeError as error:
        if "NVIDIA driver" in str(error):
            return "as far as no GPU is needed"
        raise
    return "sharded"


def prepare_deepspeed(accelerator, model, optimizer):
    from accelerate.utils import DummyOptim, DummyScheduler

    config = accelerator.state.deepspeed_plugin.deepspeed_config
    given = DummyOptim(model.parameters(), lr=1e-5) if "optimizer" in config else optimizer
    objects = [model, given, torch.utils.data.DataLoader(rows(), batch_size=2)]
    if "scheduler" in config:
        objects.append(DummyScheduler(given, total_num_steps=1000, warmup_num_steps=10))
    try:
        accelerator.prepare(*objects)
    except Finished:
        return "config read"
    except AssertionError as error:
        if "backend not set" in str(error):
            raise NotRun("DeepSpeed's own process groups need a GPU") from error
        raise
    return None


# Models


NAMES = {
    "mixtral": "MixtralForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gemma-2": "Gemma2ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gpt-neox": "GPTNeoXForCausalLM",
    "pythia": "GPTNeoXForCausalLM",
    "opt": "OPTForCausalLM",
    "phi-3": "Phi3ForCausalLM",
}

WRAPPED = ("transformer_layer_cls_to_wrap", "fsdp_transformer_layer_cls_to_wrap")


def model_for(case, texts, trainer, values):
    """
    A model of two layers of the architecture the run names; of the one its wrapped class belongs to where it names none, so that
    nothing is held against a config that its own model would not say; None where it is not known.
    """
    named = case.get("model") or (texts[trainer] if trainer else {}).get("model_name_or_path")
    if named:
        architecture = next((found for part, found in NAMES.items() if part in str(named).lower()), None)
        return tiny(architecture) if architecture else None
    wrapped = wrapped_classes(texts)
    if not wrapped:
        return tiny("LlamaForCausalLM")
    prefixes = {match[1] for name in wrapped if (match := re.fullmatch(r"(.+?)(?:DecoderLayer|EncoderLayer|Layer|Block)", name.strip()))}
    for prefix in sorted(prefixes):
        fitting = [name for name in architectures() if prefix and name.startswith(prefix)]
        if len(prefixes) == 1 and fitting:
            return tiny(min(fitting, key=len))
    return None


def wrapped_classes(texts):
    for plain in texts.values():
        if not isinstance(plain, dict):
            continue
        for section in (plain, plain.get("fsdp_config")):
            if isinstance(section, dict):
                found = next((section[key] for key in WRAPPED if section.get(key)), None)
                if found:
                    return found if isinstance(found, list) else str(found).split(",")
    return []


def architectures():
    listed = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()
    return [name for names in listed for name in ([names] if isinstance(names, str) else names)]


SMALL = dict(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    max_position_embeddings=64,
    head_dim=8,
    n_embd=16,
    n_layer=2,
    n_head=2,
    pad_token_id=0,
    num_local_experts=2,
    num_experts=2,
)


def tiny(architecture):
    try:
        made = getattr(transformers, architecture)
        fields = made.config_class().to_dict()
        config = made.config_class(**{key: value for key, value in SMALL.items() if key in fields})
        return made(config)
    except Exception:  # A config that wants more than these keys: then the model is not known here.
        return None


if __name__ == "__main__":
    # Modules that transformers imports when first asked are imported once, before the cases are forked.
    tiny("LlamaForCausalLM")
    argparse.ArgumentParser()
    AcceleratorState._reset_state(reset_partial_state=True)
    verdict.main(run_case, ["accelerate", "transformers", "deepspeed", "torch"])
