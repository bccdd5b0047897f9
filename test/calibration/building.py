"""Models as the Trainer would make them: dtype, attention, checkpointing, adapters, quantised weights, Liger kernels."""
import contextlib
import os
import tempfile

import torch

from models import config_of

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32, "bf16-autocast": torch.float32, "bf16-over-bf16": torch.bfloat16}


def transformers():
    import transformers as module

    module.logging.set_verbosity_error()
    module.logging.disable_progress_bar()
    return module


def config_for(point):
    fields = config_of(point["model"], point.get("tiny", False))
    config = transformers().AutoConfig.for_model(fields.pop("model_type"), **fields)
    config.use_cache = False
    return config


def build(point, device, path):
    """The model on the device, in training mode, with all that the point's settings add; `path`: where its weights are, if anywhere."""
    if point.get("liger"):
        apply_liger(point)
    if point.get("quantization"):
        model = load_quantised(point, device, path)
    elif point["sharding"] == "fsdp":
        # As on a user's machine: no rank ever holds the whole model.
        model = new_model(point, torch.device("meta"))
    else:
        model = new_model(point, device)
    return finish(model, point, device)


def new_model(point, device, attention=None):
    with device:
        return transformers().AutoModelForCausalLM.from_config(
            config_for(point), dtype=DTYPES[point["precision"]], attn_implementation=attention or point["attention"]
        )


def finish(model, point, device):
    model.config.use_cache = False
    model.train()
    if point["checkpointing"] == "full":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if point.get("lora"):
        model = with_adapters(model, point, torch.device("meta") if point["sharding"] == "fsdp" else device)
    return model


def with_adapters(model, point, device):
    import peft

    if point.get("quantization"):
        model = peft.prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=point["checkpointing"] == "full", gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    lora = point["lora"]
    settings = peft.LoraConfig(r=lora["rank"], lora_alpha=16, lora_dropout=lora.get("dropout", 0.0), target_modules=lora["targets"], task_type="CAUSAL_LM")
    with device:
        model = peft.get_peft_model(model, settings)
    if point["checkpointing"] == "full":
        model.enable_input_require_grads()
    return model


@contextlib.contextmanager
def checkpoint_on_disk(point, dtype=torch.bfloat16):
    """A folder with the model's config and random weights, as a download would be; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder:
        path = os.path.join(folder, "model")
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        with device:
            model = transformers().AutoModelForCausalLM.from_config(config_for(point), dtype=dtype)
        model.save_pretrained(path)
        del model
        if device.type == "cuda":
            torch.cuda.empty_cache()
        yield path


def weights_of(point):
    """A folder with weights where the point needs one to load from, else nothing: made before anything is measured."""
    return checkpoint_on_disk(point) if point.get("quantization") else contextlib.nullcontext()


def load_quantised(point, device, path):
    settings = transformers().BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=point["quantization"] == "nf4-double",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.uint8,
    )
    return transformers().AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.bfloat16, attn_implementation=point["attention"], quantization_config=settings, device_map={"": str(device)}
    )


def apply_liger(point):
    """As the Trainer's `use_liger_kernel` does it, before the model is made."""
    from liger_kernel.transformers import monkey_patch

    kind = config_for(point).model_type
    apply = monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN.get(kind)
    if apply is None:
        raise NotImplementedError(f"Liger has no kernels for {kind}")
    apply()


def under_autocast(model, device):
    """Forward as accelerate wraps it: under autocast, its outputs then in fp32."""
    from accelerate.utils import convert_outputs_to_fp32

    autocast = torch.autocast(device.type, dtype=torch.bfloat16)
    model.forward = convert_outputs_to_fp32(autocast(type(model).forward.__get__(model)))
    return model


def batch_of(point, device, rows=None):
    """Random tokens, so that experts and embeddings see what they would; no padding unless the point asks for a mask."""
    length = point["sequence"]
    vocabulary = config_of(point["model"], point.get("tiny", False))["vocab_size"]
    ids = torch.randint(0, vocabulary, (rows or point["micro"], length), device=device)
    batch = {"input_ids": ids, "labels": ids.clone()}
    if point.get("mask"):
        mask = torch.ones_like(ids)
        mask[0, : length // 4] = 0  # transformers drops a mask that hides nothing.
        batch["attention_mask"] = mask
    return batch


def optimizer_of(point, parameters):
    """The optimizer that the Trainer makes of `optim`: transformers/trainer_optimizer.py (v5.23)."""
    name, optim = point["optimizer"], torch.optim
    if name in ("adamw_torch", "adamw_torch_fused"):
        return optim.AdamW(parameters, lr=1e-5, **{"fused" if name.endswith("fused") else "foreach": True})
    if name == "sgd":
        return optim.SGD(parameters, lr=1e-5)
    if name == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(parameters, lr=1e-5, scale_parameter=False, relative_step=False)
    import bitsandbytes

    kinds = {"adamw_bnb_8bit": bitsandbytes.optim.AdamW8bit, "paged_adamw_8bit": bitsandbytes.optim.PagedAdamW8bit}
    return kinds[name](parameters, lr=1e-5)
