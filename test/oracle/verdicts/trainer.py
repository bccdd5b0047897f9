"""Puts training arguments to transformers and TRL: parsed as their parsers do, then a Trainer built, prepared and stepped on a CPU.

    python trainer.py CASES OUT      (record.mjs starts it)

Stages: `parse` (the file and HfArgumentParser or TrlParser), `arguments` (`__post_init__` of TrainingArguments or TRL's config),
`trainer` (a Trainer over a model of two layers), `finalize` (the DeepSpeed file against the arguments), `optimizer`, `data`
(the DataLoaders) and `step` (one optimizer step; not with FSDP or DeepSpeed, whose engines need GPUs).
What a machine answers (bf16, TF32, ranks) is answered by trainer_fakes.py; `values.assumed` names what else was set aside.
"""

import dataclasses
import enum
import json
import os
import sys
import traceback
import warnings
from pathlib import Path

import trainer_fakes as fakes
import verdict
from verdict import NotRun, stage

import torch  # noqa: I001
import accelerate.utils  # noqa: F401
import datasets  # noqa: F401
import deepspeed.runtime.config
import peft  # noqa: F401
import transformers
import transformers.integrations  # noqa: F401
import trl
import yaml
from transformers import HfArgumentParser, Trainer, TrainingArguments
from trl import ModelConfig, ScriptArguments, TrlParser

torch.set_num_threads(1)

SCHEMA = json.loads((Path(__file__).parent / "../../../schemas/trainer.schema.json").read_text(encoding="utf-8"))

# Classes whose fields a schema entry may belong to; keys of other scripts are their own business.
FRAMEWORK_CLASSES = {"SFTConfig", "DPOConfig", "GRPOConfig", "RewardConfig", "KTOConfig", "ModelConfig", "ScriptArguments"}


def trl_class(name):
    for owner in ("trl", "trl.experimental.kto"):
        try:
            return getattr(__import__(owner, fromlist=[name]), name)
        except (ImportError, AttributeError):
            continue
    raise NotRun(f"this TRL has no {name}")


METHODS = {"sft": "SFT", "dpo": "DPO", "grpo": "GRPO", "reward": "Reward", "kto": "KTO"}


# Rules about memory and machines: what they say no CPU can confirm or refute.
ABOUT_MACHINES = ("memory-", "host-memory-", "eval-decides-memory", "nvme-", "bf16-unsupported-by-gpu")


def run_case(case, folder):
    if case["id"].startswith(ABOUT_MACHINES):
        raise NotRun("is about memory or a GPU")
    stage.at("parse")
    # Said of every run on a CPU, and of every run of TRL from transformers 5.2x on.
    for message in ("'pin_memory'", "`(is_)?gradient_checkpointing", ".*KTO.* is now located"):
        warnings.filterwarnings("ignore", message=message)
    name = case.get("trainer") or (case["entry"] if case.get("dialect", "trainer") == "trainer" else None)
    if name is None:
        raise NotRun("no training arguments in this case")
    entry = folder / name
    plain = read(entry)
    if case.get("deepspeed") and "deepspeed" not in plain and not case.get("accelerate"):
        plain["deepspeed"] = case["deepspeed"]
    method = case.get("method")
    world = case.get("world_size") or 1
    assumed = []
    launch_environment(case, folder, assumed)
    fakes.fake_gpu(capability_of(case))
    fsdp = bool(plain.get("fsdp")) or os.environ.get("ACCELERATE_USE_FSDP") == "true"
    deepspeed = bool(plain.get("deepspeed")) or os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true"
    if world > 1:
        fakes.fake_ranks(world, "MULTI_GPU" if fsdp or deepspeed else "MULTI_CPU")
    set_aside_missing_files(plain, entry, folder, assumed)
    main_class = trl_class(f"{METHODS[method]}Config") if method in METHODS else TrainingArguments
    groups = [main_class] + ([ScriptArguments, ModelConfig] if method in METHODS else [])
    script = script_arguments(plain, groups, method)
    flags = [str(flag) for flag in case.get("arguments", [])]
    uses_trl = method in METHODS or bool(flags)
    parsed = parse(uses_trl, groups + script, plain, flags)
    arguments = parsed[0]
    model_arguments = parsed[2] if method in METHODS else None
    values = {"changed": changed(plain, arguments), "assumed": assumed}
    if not flags:
        values["other parser"] = other_parser(not uses_trl, groups + script, plain, case)
    vllm = method == "grpo" and getattr(arguments, "use_vllm", False)
    compile_settings(arguments)
    tame(arguments, folder, assumed)
    attention(plain, capability_of(case))
    trainer = build(arguments, model_arguments, method, plain, assumed)
    if vllm:
        stage.at("vllm")
        if not has_vllm_generation():
            raise NotRun("this TRL starts vLLM inside its trainer")
        fakes.start_vllm(arguments, trainer.accelerator, world)
    prepare(trainer, arguments)
    # An enum prints its own name, not the word it stands for.
    optimizer = str(getattr(arguments.optim, "value", arguments.optim))
    if fsdp and "torch" not in optimizer and optimizer not in TORCH_OPTIMIZERS:
        raise NotRun("whether this optimizer can step on FSDP's tensors shows only where they are sharded")
    # A step of GRPO needs the samples of every rank.
    if not fsdp and not deepspeed and not (method == "grpo" and world > 1):
        if world > 1:
            arguments, model_arguments = alone(uses_trl, groups + script, plain, flags, world, method)
            tame(arguments, folder, [])
        step(build(arguments, model_arguments, method, plain, []), arguments)
    return {key: value for key, value in values.items() if value}


# Of torch itself, under names without it.
TORCH_OPTIMIZERS = ("sgd", "adagrad", "rmsprop")


def alone(uses_trl, classes, plain, flags, world, method):
    """The same arguments in one process, where a step is real; what the number of ranks decides was seen before."""
    fakes.one_real_process()
    fakes.pretend_world_size(world)
    parsed = parse(uses_trl, classes, plain, flags)
    fakes.pretend_world_size(None)
    return parsed[0], parsed[2] if method in METHODS else None


def read(path):
    text = path.read_text(encoding="utf-8")
    plain = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    if not isinstance(plain, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return plain


def capability_of(case):
    """Compute capability of the run's GPU; an A100's where no GPU is named, so that only what the file says can fail."""
    gpu = case.get("gpu")
    return tuple(gpu) if gpu else fakes.AMPERE


def launch_environment(case, folder, assumed):
    """What `accelerate launch --config_file` sets before the script starts."""
    name = case.get("accelerate")
    if not name:
        return
    from accelerate.commands import launch
    from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

    stage.at("launch")
    arguments = launch.launch_command_parser().parse_args(["--config_file", str(folder / name), "train.py"])
    arguments, _, _ = launch._validate_launch_command(arguments)
    if arguments.use_deepspeed:
        _, environment = prepare_deepspeed_cmd_env(arguments)
    else:
        environment = prepare_multi_gpu_env(arguments)
    os.environ.update({key: value for key, value in environment.items() if isinstance(value, str)})
    assumed.append("started by accelerate launch")
    stage.at("parse")


def set_aside_missing_files(plain, entry, folder, assumed):
    """A file that the case does not bring proves nothing about the one that names it."""
    for key in ("deepspeed", "fsdp_config", "accelerator_config"):
        value = plain.get(key)
        if not isinstance(value, str) or value.startswith("{") or not value.endswith((".json", ".yaml", ".yml")):
            continue
        found = next((p for p in (folder / value, entry.parent / value, folder / Path(value).name) if p.exists()), None)
        if found is None:
            del plain[key]
            assumed.append(f"without the file of {key}")
        else:
            plain[key] = str(found)


def script_arguments(plain, groups, method):
    """A class for the keys of the training script's own: those that no release of transformers or TRL has."""
    fields = {field.name for group in groups for field in dataclasses.fields(group)}
    own = [key for key in plain if isinstance(key, str) and key not in fields and not is_framework_key(key, method)]
    if method in METHODS and "env" in own:
        own.remove("env")
    if not own:
        return []
    # argparse turns a field of type str into an option that takes anything.
    made = [(key, str, dataclasses.field(default=None)) for key in own if key.isidentifier()]
    return [dataclasses.make_dataclass("OwnArguments", made)]


def is_framework_key(key, method):
    schema = SCHEMA["properties"].get(key)
    if schema is None:
        return False
    facts = schema.get("x-shardlens", {})
    owners = facts.get("appliesTo")
    if owners is None:
        return "training_args" in facts.get("where", "") or facts.get("removedIn") is not None
    measured = facts.get("removedIn") or str(facts.get("addedIn", "")).startswith("trl")
    return method in METHODS and f"{METHODS[method]}Config" in owners and bool(measured)


def parse(uses_trl, classes, plain, flags):
    """The way of the parser that reads such a file; what `__post_init__` raises is of the next stage."""
    try:
        if not uses_trl:
            return HfArgumentParser(classes).parse_dict(plain)
        Path("parsed.yaml").write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
        return TrlParser(classes).parse_args_and_config(args=["--config", "parsed.yaml", *flags])
    except BaseException as error:
        if type(error).__name__ in ("LocalTokenNotFoundError", "LocalEntryNotFoundError", "OfflineModeIsEnabled"):
            raise NotRun("asks the model hub") from error
        if any(frame.name == "__post_init__" for frame in traceback.extract_tb(error.__traceback__)):
            stage.at("arguments")
        raise


def other_parser(uses_trl, classes, plain, case):
    """Whether the parser that this file is less likely read by takes it too."""
    try:
        parse(uses_trl, classes, dict(plain), [])
        return None
    except BaseException as error:
        stage.at("parse")
        name = "TrlParser" if uses_trl else "HfArgumentParser"
        return f"{name}: {type(error).__name__}: {str(error)[:160]}"


# Keys that the recorder itself sets.
MOVED = {"output_dir", "logging_dir", "run_name", "deepspeed", "fsdp_config", "accelerator_config"}


def changed(plain, arguments):
    """Keys of the file whose value the framework has replaced."""
    found = {}
    for key, written in plain.items():
        if not isinstance(key, str) or key in MOVED or not hasattr(arguments, key):
            continue
        now = getattr(arguments, key)
        now = now.value if isinstance(now, enum.Enum) else now
        if isinstance(now, (str, int, float, bool, type(None))) and now != written:
            found[key] = now
    return found


def compile_settings(arguments):
    """What torch says to the mode and backend of torch.compile; compiling itself takes minutes here and proves no more."""
    if getattr(arguments, "torch_compile", False):
        stage.at("compile")
        torch.compile(torch.nn.Identity(), mode=arguments.torch_compile_mode, backend=arguments.torch_compile_backend)


def tame(arguments, folder, assumed):
    """Takes away what reaches out of the folder or needs a package or a machine, and is no fault of the arguments."""
    arguments.output_dir = str(folder / "out")
    for key in ("logging_dir", "run_name"):
        if getattr(arguments, key, None) is not None:
            setattr(arguments, key, str(folder / "logs"))
    for key in ("ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_DYNAMO_MODE"):
        os.environ.pop(key, None)
    known = {"azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "mlflow", "neptune", "swanlab",
             "tensorboard", "trackio", "wandb", "kubeflow"}
    report = arguments.report_to
    if isinstance(report, (list, tuple)):
        arguments.report_to = [name for name in report if name not in known]
    for key, value in {
        "push_to_hub": False,
        "log_completions_hub_repo": None,
        "use_liger_kernel": False,
        "resume_from_checkpoint": None,
        "torch_compile": False,
        "torch_compile_mode": None,
        "torch_compile_backend": None,
        "use_vllm": False,
        "ddp_backend": None,
        "disable_tqdm": True,
    }.items():
        if getattr(arguments, key, value) != value:
            if key in ("use_liger_kernel", "use_vllm"):
                assumed.append(f"without {key}")
            setattr(arguments, key, value)
    if isinstance(getattr(arguments, "max_completion_length", None), int):
        arguments.max_completion_length = min(arguments.max_completion_length, 4)


def build(arguments, model_arguments, method, plain, assumed):
    """The trainer of the method over the tiny model, as the example scripts build it."""
    stage.at("trainer")
    train = fakes.dataset(method)
    if method not in METHODS:
        extra = plain.get("model_init_kwargs")
        place = plain.get("device_map") or (extra.get("device_map") if isinstance(extra, dict) else None)
        options = {"device_map": place} if place else {}
        model = load("LlamaForCausalLM", **dtype_of(plain), **options)
        return Trainer(model=model, args=arguments, train_dataset=train, eval_dataset=train)
    extra = dict(arguments.model_init_kwargs or {}) if isinstance(getattr(arguments, "model_init_kwargs", None), dict) else {}
    if str(extra.get("attn_implementation", "")).startswith(("flash", "kernels")):
        extra.pop("attn_implementation")
    dtype = getattr(model_arguments, "dtype", None)
    if dtype in ("float16", "bfloat16", "float32"):
        extra.setdefault("dtype", dtype)
    if hasattr(arguments, "model_init_kwargs"):
        arguments.model_init_kwargs = extra
    architecture = "LlamaForSequenceClassification" if method == "reward" else "LlamaForCausalLM"
    model = fakes.saved_model(architecture)
    quantised = bool(model_arguments.load_in_4bit or model_arguments.load_in_8bit)
    if quantised or method == "kto":
        model = load(architecture)
        arguments.model_init_kwargs = None
    if quantised:
        mark_as_quantised(model)
        assumed.append("a model marked as quantised")
    options = {}
    if model_arguments.use_peft:
        config = dict(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM")
        options["peft_config"] = peft.LoraConfig(**config)
    if method == "grpo":
        options["reward_funcs"] = reward
    names = {"sft": "SFTTrainer", "dpo": "DPOTrainer", "grpo": "GRPOTrainer", "reward": "RewardTrainer", "kto": "KTOTrainer"}
    return trl_class(names[method])(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=fakes.dataset(method),
        processing_class=fakes.tokenizer(),
        **options,
    )


def attention(plain, capability):
    """FlashAttention's kernels check the GPU themselves, in their first forward pass; transformers asks only for the package."""
    extra = plain.get("model_init_kwargs")
    name = plain.get("attn_implementation") or (extra.get("attn_implementation") if isinstance(extra, dict) else None)
    if name in ("flash_attention_3", "flash_attention_4") or (
        name == "flash_attention_2" and tuple(capability) < fakes.AMPERE
    ):
        raise NotRun("the kernels of FlashAttention check the GPU themselves")


def has_vllm_generation():
    try:
        import trl.generation.vllm_generation  # noqa: F401
    except ImportError:
        return False
    return True


def reward(completions, **_):
    return [float(len(completion)) for completion in completions]


def load(architecture, **options):
    """The tiny model; under ZeRO 3 its shards would need ranks, so there only what comes before is run."""
    from transformers.integrations import deepspeed

    path = fakes.saved_model(architecture)
    if deepspeed.is_deepspeed_zero3_enabled() and not options.get("device_map"):
        deepspeed.unset_hf_deepspeed_config()
    return getattr(transformers, architecture).from_pretrained(path, **options)


def mark_as_quantised(model):
    """What bitsandbytes' quantiser leaves on a model; quantising itself needs its kernels."""

    class Quantiser:
        is_trainable = True
        is_qat_trainable = False
        is_compileable = False

        class quantization_config:  # noqa: N801
            quant_method = "bitsandbytes"

    model.is_quantized = True
    model.hf_quantizer = Quantiser()
    model.quantization_method = "bitsandbytes"


def dtype_of(plain):
    name = plain.get("torch_dtype") or plain.get("dtype")
    if name not in ("float16", "bfloat16", "float32"):
        return {}
    return {"torch_dtype" if transformers.__version__.startswith("4") else "dtype": getattr(torch, name)}


def prepare(trainer, arguments):
    """All that `train()` does before the first step, piece by piece, so that the stage is known."""
    if getattr(arguments, "hf_deepspeed_config", None) is not None:
        stage.at("finalize")
        steps = arguments.max_steps if arguments.max_steps > 0 else 1000
        given = arguments.hf_deepspeed_config.get_value("scheduler.params.total_num_steps")
        arguments.hf_deepspeed_config.trainer_config_finalize(
            arguments, trainer.model, given if isinstance(given, int) else steps
        )
        stage.at("deepspeed")
        config = trainer.accelerator.state.deepspeed_plugin.deepspeed_config
        # The last values that accelerate fills, when it has the DataLoader and the model (accelerator.py _prepare_deepspeed).
        for key, value in (("train_micro_batch_size_per_gpu", arguments.train_batch_size),):
            if config.get(key) == "auto":
                config[key] = value
        if config.get("train_batch_size") == "auto":
            config["train_batch_size"] = (
                config["train_micro_batch_size_per_gpu"] * config["gradient_accumulation_steps"] * arguments.world_size
            )
        deepspeed.runtime.config.DeepSpeedConfig(config, mpu=None)
        return
    stage.at("data")
    trainer.get_train_dataloader()
    if str(getattr(arguments.eval_strategy, "value", "no")) != "no":
        trainer.get_eval_dataloader()
    split = getattr(trainer.accelerator, "parallelism_config", None)
    if split is not None and split.cp_enabled:
        stage.at("step")
        trainer._prepare_context_parallel_inputs(trainer.model, next(iter(trainer.get_train_dataloader())))
    stage.at("optimizer")
    if str(getattr(arguments.optim, "value", "")).startswith(("galore", "apollo")):
        fakes.stub_low_rank_packages()
    needs = {"bitsandbytes", "lomo_optim", "grokadamw", "schedulefree", "torchao", "optimi"}
    try:
        trainer.create_optimizer_and_scheduler(num_training_steps=1000)
    except ImportError as error:
        raise NotRun(f"optimizer package is not installed: {error}") from error
    except ValueError as error:
        if any(name in str(error) for name in needs) and "install" in str(error).lower():
            raise NotRun(f"optimizer package is not installed: {error}") from error
        raise


def step(trainer, arguments):
    """One optimizer step with the run's own loop."""
    stage.at("step")
    arguments.max_steps = 1
    arguments.save_strategy = transformers.trainer_utils.SaveStrategy.NO
    arguments.load_best_model_at_end = False
    if arguments.fp16:
        fakes.scale_losses(trainer)
    trainer.train()


if __name__ == "__main__":
    for name in ("LlamaForCausalLM", "LlamaForSequenceClassification"):
        fakes.saved_model(name)
    sys.exit(
        verdict.main(run_case, ["transformers", "trl", "accelerate", "peft", "deepspeed", "datasets", "torch"])
    )
