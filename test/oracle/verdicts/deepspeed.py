"""Puts a config to DeepSpeed: read as its reader reads it, an engine built on a CPU, and one optimizer step made.

    python deepspeed.py CASES OUT      (record.mjs starts it)

Who reads it is the case's consumer. `deepspeed`: the file goes to DeepSpeedConfig (stage `config`), then to
`deepspeed.initialize` with a model of two layers (`initialize`), then one optimizer step (`step`). `accelerate`: to
DeepSpeedPlugin and `Accelerator.prepare` (`plugin`, `prepare`) first. `trainer`: to TrainingArguments and a Trainer
(`arguments`, `finalize`). What a machine answers is answered by deepspeed_fakes.py; other ranks do not exist.
`values.unread` are keys nobody looked at, `values.changed` those whose value became another.
"""

import os

os.environ.update(DS_ACCELERATOR="cpu", DS_SKIP_CUDA_CHECK="1", DS_IGNORE_CUDA_DETECTION="1")

import verdict  # noqa: I001, E402  (first: it keeps this file from hiding the package of its name)
from verdict import NotRun, stage  # noqa: E402

import dataclasses  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402

import deepspeed_fakes as fakes  # noqa: E402
import torch  # noqa: E402
import deepspeed  # noqa: E402
import transformers  # noqa: E402
import yaml  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from accelerate.utils import DeepSpeedPlugin, DummyOptim, DummyScheduler  # noqa: E402
from deepspeed.runtime.config import DeepSpeedConfig  # noqa: E402
from deepspeed.ops.adam import DeepSpeedCPUAdam  # noqa: E402
from deepspeed.runtime.config_utils import DeepSpeedConfigModel  # noqa: E402
from transformers import TrainerCallback, TrainingArguments, Trainer  # noqa: E402

torch.set_num_threads(1)
fakes.fake_kernels()

# A step of more micro-batches than this is as good as one that is not made.
MOST_MICRO_STEPS = 64

# Sections whose keys go to a constructor or a model as they are: all of them are read, or it raises.
HANDED_ON = (
    "optimizer.params", "scheduler.params", "zero_optimization", "fp16", "bf16", "bfloat16", "comms_logger", "tensorboard", "wandb",
    "csv_monitor", "comet", "hybrid_engine", "compile", "tensor_parallel", "timers.throughput", "weight_quantization",
)  # fmt: skip


# Packages that a run may need beside DeepSpeed, and words of an error that only a CPU meets.
OPTIONAL = ("cupy", "mup", "apex", "tensorboard", "wandb", "comet_ml", "torch_nebula", "triton")
ONLY_ON_CPU = ("Invalid device string", "currently only supported for CUDA accelerator", "Data inconsistency within the TP group", "bitsandbytes", "Found no NVIDIA driver")

# Rules about memory and links: what they say no CPU can confirm or refute.
ABOUT_MACHINES = ("memory-", "host-memory-", "nvme-too-small", "offload-not-needed", "zero-3-not-needed", "fp8-", "bf16-unsupported-by-gpu")


def run_case(case, folder):
    if case["id"].startswith(ABOUT_MACHINES):
        raise NotRun("speaks of a machine, which is not here")
    try:
        return run(case, folder)
    except ModuleNotFoundError as error:
        if error.name in OPTIONAL:
            raise NotRun(f"the package {error.name} is not installed") from error
        raise
    except Exception as error:
        if any(words in str(error) for words in ONLY_ON_CPU):
            raise NotRun(f"only on a CPU: {error}"[:120]) from error
        raise


def run(case, folder):
    warnings.filterwarnings("ignore", message=".*(pin_memory|triton|model_fields|lr_scheduler.step|Full backward hook|requires_grad=True).*")
    world = case.get("world_size") or 1
    path, trainer_file, accelerate_file = files_of(case, folder)
    # A file with "auto" in it was written for the Trainer or Accelerate.
    consumer = case.get("consumer") or ("trainer" if '"auto"' in path.read_text(encoding="utf-8") else "deepspeed")
    if path.suffix in (".yaml", ".yml"):
        path = as_json(path, folder)
    # The first rank is in a group however the groups come out; it is the last that is left over.
    fakes.fake_ranks(world, rank=world - 1 if '"autotp_size"' in path.read_text(encoding="utf-8") else 0)
    heard = {}
    listen(heard)
    {"deepspeed": as_deepspeed, "accelerate": as_accelerate, "trainer": as_trainer}[consumer](
        path, folder, trainer_file, accelerate_file, heard
    )
    values = {"consumer": consumer, **differences(heard)}
    return {key: value for key, value in values.items() if value}


def files_of(case, folder):
    """The DeepSpeed file of a case, and the Trainer's and Accelerate's files that go with it."""
    plain = {}
    for name in case["files"]:
        if name.endswith((".yaml", ".yml")):
            plain[name] = yaml.safe_load(case["files"][name])
    plain = {name: value for name, value in plain.items() if isinstance(value, dict)}
    accelerate_file = next((name for name, value in plain.items() if "compute_environment" in value or "distributed_type" in value), None)
    trainer_file = next((name for name, value in plain.items() if "output_dir" in value or "deepspeed" in value), None)
    named = [case["entry"]] if case.get("dialect") == "deepspeed" else []
    if trainer_file and isinstance(plain[trainer_file].get("deepspeed"), str):
        named.append(plain[trainer_file]["deepspeed"])
    if accelerate_file:
        section = plain[accelerate_file].get("deepspeed_config")
        named.append((section if isinstance(section, dict) else {}).get("deepspeed_config_file") or "")
    path = next((folder / name for name in named if name and (folder / name).is_file()), None)
    if path is None:
        raise NotRun("the case has no DeepSpeed file")
    return path, trainer_file and folder / trainer_file, accelerate_file and folder / accelerate_file


def as_json(path, folder):
    """A YAML file reaches DeepSpeed as the mapping its owner's framework loads."""
    plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = folder / f"{path.stem}.loaded.json"
    found.write_text(json.dumps(plain), encoding="utf-8")
    return found


def listen(heard):
    """Notes when the engine is built, from what, and which keys of it are looked at."""
    build = deepspeed.initialize

    def initialize(*args, config=None, config_params=None, **rest):
        config = config if config is not None else config_params
        heard["read"] = fakes.Read(config)
        stage.at("initialize")
        result = build(*args, config=heard["read"], **rest)
        heard["engine"] = result[0]
        stage.at("step")
        return result

    deepspeed.initialize = initialize


def as_deepspeed(path, folder, trainer_file, accelerate_file, heard):
    stage.at("config")
    DeepSpeedConfig(str(path))
    # Read once more: a config of elasticity writes the batch sizes it finds into the mapping.
    plain = load(path)
    model = fakes.tiny_model()
    optimizer = None if builds_optimizer(plain) else own_optimizer(model, plain)
    engine, *_ = deepspeed.initialize(model=model, model_parameters=parameters_for(plain, model), optimizer=optimizer, config=plain)
    take_step(engine)


def load(path):
    import hjson

    return hjson.loads(path.read_text(encoding="utf-8"))


def parameters_for(plain, model):
    return [each for each in model.parameters() if each.requires_grad]


def builds_optimizer(plain):
    section = plain.get("optimizer")
    return isinstance(section, dict) and section.get("type") is not None


def own_optimizer(model, plain):
    """What a script passes where the file names no optimizer: AdamW, of DeepSpeed's kind where the states are offloaded."""
    zero = plain.get("zero_optimization")
    offload = zero.get("offload_optimizer") if isinstance(zero, dict) else None
    offloaded = isinstance(offload, dict) and offload.get("device") not in (None, "none")
    offloaded = offloaded or (isinstance(zero, dict) and zero.get("cpu_offload") is True)
    return (DeepSpeedCPUAdam if offloaded else torch.optim.AdamW)(model.parameters(), lr=1e-4)


def take_step(engine):
    steps = engine.gradient_accumulation_steps()
    if not isinstance(steps, int) or steps > MOST_MICRO_STEPS or looks_at_other_ranks(engine):
        return
    tokens = torch.ones(1, 8, dtype=torch.long)
    for _ in range(2):
        for _ in range(steps):
            loss = engine(input_ids=tokens, labels=tokens).loss
            engine.backward(loss)
            engine.step()


def looks_at_other_ranks(engine):
    """Tensor parallelism compares the samples of its ranks, and ZenFlow picks columns by gathered gradients: both meet rubbish here."""
    size = getattr(engine, "autotp_size", lambda: 0)()
    return (isinstance(size, int) and size > 1) or getattr(engine._config.zero_config, "zenflow", None) is not None


def as_accelerate(path, folder, trainer_file, accelerate_file, heard):
    stage.at("plugin")
    fakes.fake_accelerate_ranks("MULTI_GPU")
    plain = json.loads(path.read_text(encoding="utf-8"))
    os.environ["ACCELERATE_USE_DEEPSPEED"] = "true"
    precision, steps = precision_of(plain), plain.get("gradient_accumulation_steps")
    if accelerate_file:
        settings = yaml.safe_load(accelerate_file.read_text(encoding="utf-8"))
        precision = {False: "no"}.get(settings.get("mixed_precision"), settings.get("mixed_precision") or precision)
    plugin = DeepSpeedPlugin(hf_ds_config=str(path))
    stage.at("prepare")
    accelerator = Accelerator(
        mixed_precision=precision,
        deepspeed_plugin=plugin,
        gradient_accumulation_steps=steps if isinstance(steps, int) and steps > 0 else 1,
    )
    model = fakes.tiny_model()
    optimizer = DummyOptim(model.parameters(), lr=1e-4) if "optimizer" in plain else torch.optim.AdamW(model.parameters(), lr=1e-4)
    parts = [model, optimizer, loader(plain)]
    if "scheduler" in plain:
        parts.append(DummyScheduler(optimizer, total_num_steps=1000, warmup_num_steps=10))
    accelerator.prepare(*parts)
    take_step(heard["engine"])


def loader(plain):
    micro = plain.get("train_micro_batch_size_per_gpu")
    rows = torch.ones(64, 8, dtype=torch.long)
    return torch.utils.data.DataLoader(rows, batch_size=micro if isinstance(micro, int) and micro > 0 else 1)


def precision_of(plain):
    """What the launcher is told so that it fits the file: a mismatch of our own making is no verdict."""
    for name in ("bf16", "fp16"):
        section = plain.get(name)
        if isinstance(section, dict) and section.get("enabled") is True:
            return name
    for name in ("bf16", "fp16"):
        section = plain.get(name)
        if isinstance(section, dict) and section.get("enabled") == "auto":
            return name
    return "no"


class OneStep(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = True
        return control


def as_trainer(path, folder, trainer_file, accelerate_file, heard):
    stage.at("arguments")
    fakes.fake_accelerate_ranks("MULTI_GPU")
    written = yaml.safe_load(trainer_file.read_text(encoding="utf-8")) if trainer_file else {}
    fields = {each.name for each in dataclasses.fields(TrainingArguments) if each.init}
    given = {key: value for key, value in written.items() if key in fields}
    if not trainer_file:
        given = arguments_like(json.loads(path.read_text(encoding="utf-8")))
    given.update(output_dir=str(folder / "out"), deepspeed=str(path), report_to=[], save_strategy="no", disable_tqdm=True)
    given.update({key: value for key, value in {"eval_strategy": "no", "load_best_model_at_end": False, "push_to_hub": False}.items()})
    given.setdefault("max_steps", 1000)
    # PyYAML reads 1e-5 as text; TrainingArguments turns it into a number for some keys only, which is another recorder's business.
    given = {key: as_number(value) for key, value in given.items()}
    arguments = TrainingArguments(**given)
    rows = [{"input_ids": [1] * 8, "labels": [1] * 8} for _ in range(64)]
    model = fakes.tiny_model()
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[OneStep()])
    stage.at("finalize")
    if arguments.gradient_accumulation_steps > MOST_MICRO_STEPS:
        from transformers.integrations.deepspeed import deepspeed_init

        deepspeed_init(trainer, num_training_steps=arguments.max_steps)
        return
    trainer.train()


def as_number(value):
    try:
        return float(value) if isinstance(value, str) and not value.isalpha() else value
    except ValueError:
        return value


def arguments_like(plain):
    """Arguments that fit a DeepSpeed file that comes without any."""
    zero = plain.get("zero_optimization")
    precision = precision_of(plain)
    optimizer = section(section(plain, "optimizer"), "params")
    scheduler = section(section(plain, "scheduler"), "params")
    betas = optimizer.get("betas")
    betas = betas if isinstance(betas, list) and len(betas) == 2 else (None, None)
    wanted = {
        "per_device_train_batch_size": plain.get("train_micro_batch_size_per_gpu"),
        "gradient_accumulation_steps": plain.get("gradient_accumulation_steps"),
        "max_grad_norm": plain.get("gradient_clipping"),
        "learning_rate": optimizer.get("lr"),
        "weight_decay": optimizer.get("weight_decay"),
        "adam_epsilon": optimizer.get("eps"),
        "adam_beta1": betas[0],
        "adam_beta2": betas[1],
        "warmup_steps": scheduler.get("warmup_num_steps"),
        "max_steps": scheduler.get("total_num_steps"),
    }
    if wanted["learning_rate"] in (None, "auto"):
        wanted["learning_rate"] = scheduler.get("warmup_max_lr")
    world = int(os.environ["WORLD_SIZE"])
    train = plain.get("train_batch_size")
    if isinstance(train, int):
        steps = wanted["gradient_accumulation_steps"]
        micro = wanted["per_device_train_batch_size"]
        if not isinstance(micro, int):
            wanted["per_device_train_batch_size"] = train // world // (steps if isinstance(steps, int) else 1) or 1
        elif not isinstance(steps, int):
            wanted["gradient_accumulation_steps"] = train // world // micro or 1
    given = {key: value for key, value in wanted.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
    given.setdefault("gradient_accumulation_steps", 1)
    given.setdefault("per_device_train_batch_size", 1)
    given.update(bf16=precision == "bf16", fp16=precision == "fp16")
    return given


def section(plain, name):
    found = plain.get(name)
    return found if isinstance(found, dict) else {}


def differences(heard):
    """Where the engine's config is not what the file says."""
    engine, read = heard.get("engine"), heard.get("read")
    if engine is None or read is None:
        return {}
    config = engine._config
    changed = {}
    for name, model in {
        "zero_optimization": config.zero_config,
        "fp16": getattr(config, "float16_config", None),
        "bf16": getattr(config, "bfloat16_config", None),
    }.items():
        written = read.get(name) if name in read else None
        if isinstance(written, dict) and isinstance(model, DeepSpeedConfigModel):
            changed.update(changes(written, model, f"{name}."))
    strict = [f"{name}." for name in HANDED_ON]
    unread = [path for path in read.unread() if not path.startswith(tuple(strict)) and not path.endswith("deepspeed")]
    return {"changed": changed, "unread": unread[:20]}


def changes(written, model, path):
    found = {}
    fields = {field.alias or name: name for name, field in type(model).model_fields.items()}
    for key in written:
        value = dict.__getitem__(written, key)
        name = fields.get(key, key if key in type(model).model_fields else None)
        now = getattr(model, name, None) if name else None
        if isinstance(value, dict) and isinstance(now, DeepSpeedConfigModel):
            found.update(changes(value, now, f"{path}{key}."))
        elif name and isinstance(value, (int, float, str, bool)):
            now = getattr(now, "value", now)
            if now != value and str(now).lower() != str(value).lower():
                found[f"{path}{key}"] = now
    return found


WARM_UP = {
    "deepspeed": '{"train_micro_batch_size_per_gpu":1,"bf16":{"enabled":true},"zero_optimization":{"stage":3},"optimizer":{"type":"AdamW","params":{"lr":1e-4}}}',
    "trainer": '{"train_micro_batch_size_per_gpu":"auto","bf16":{"enabled":"auto"},"zero_optimization":{"stage":2}}',
    "accelerate": '{"train_micro_batch_size_per_gpu":1,"bf16":{"enabled":true},"zero_optimization":{"stage":2}}',
}


def import_what_runs_need():
    """Each case runs in a child of this process: what the frameworks import late is imported here once, or every child would."""
    import importlib

    def late(case, folder):
        before = set(sys.modules)
        run_case(case, folder)
        return sorted(set(sys.modules) - before)

    for consumer, text in WARM_UP.items():
        case = {"id": consumer, "files": {"ds.json": text}, "entry": "ds.json", "dialect": "deepspeed", "consumer": consumer}
        for name in verdict.record([case], late, [])["verdicts"][consumer].get("values", []):
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001  (names that are no modules of their own)
                continue
    # DeepSpeed collects garbage wherever it could report memory; what stands before the first case is none.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    import_what_runs_need()
    sys.exit(verdict.main(run_case, ["deepspeed", "transformers", "accelerate", "torch"]))
