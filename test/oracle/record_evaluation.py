#!/usr/bin/env python3
"""Records what evaluation and generation hold on the GPU: the real classes and `generate` of transformers, on fake tensors.

    python record_evaluation.py OUT.json

Needs what record_memory.py needs. Nothing is computed, so that generation never ends by itself; it is stopped at its length. Bytes are those
beside the weights: the most there is at once, and what stays at the end.
"""
import json
import multiprocessing
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_memory as base  # noqa: E402
from memory_points import MODELS as ALL  # noqa: E402

torch = base.torch
MODELS = {
    "llama3-4": ALL["llama3-4"],
    "t5-3": dict(model_type="t5", decoder_start_token_id=0, d_model=768, d_ff=3072, d_kv=64, num_layers=3, num_decoder_layers=3, num_heads=12, vocab_size=32128),
    "bart-3": dict(model_type="bart", d_model=1024, encoder_layers=3, decoder_layers=3, encoder_attention_heads=16, decoder_attention_heads=16, encoder_ffn_dim=4096, decoder_ffn_dim=4096, vocab_size=50265, max_position_embeddings=1024),
}  # fmt: skip
CLASSES = {"llama": "LlamaForCausalLM", "t5": "T5ForConditionalGeneration", "bart": "BartForConditionalGeneration"}


def points():
    for name, dtype, size in (
        ("llama3-4", "bf16", (2, 1024)), ("llama3-4", "fp32", (2, 1024)), ("llama3-4", "amp_bf16", (2, 1024)), ("llama3-4", "bf16", (8, 256)),
        ("t5-3", "bf16", (8, 512)), ("t5-3", "fp32", (8, 512)), ("t5-3", "amp_bf16", (8, 512)), ("bart-3", "bf16", (8, 512)), ("bart-3", "fp32", (16, 1024)),
    ):  # fmt: skip
        yield dict(id=f"{name}-{dtype}-{size[0]}x{size[1]}", what="loss", model=name, dtype=dtype, micro_batch=size[0], seq_len=size[1])
    for name, dtype, size, length, beams in (
        ("llama3-4", "bf16", (8, 512), 640, 1), ("llama3-4", "bf16", (8, 512), 640, 4), ("llama3-4", "amp_bf16", (8, 512), 528, 1),
        ("t5-3", "bf16", (32, 512), 64, 1), ("t5-3", "bf16", (32, 512), 64, 4), ("t5-3", "fp32", (32, 512), 32, 4), ("t5-3", "bf16", (4, 128), 400, 4),
        ("bart-3", "bf16", (32, 512), 128, 1), ("bart-3", "bf16", (16, 512), 128, 5), ("bart-3", "fp32", (16, 512), 128, 4),
    ):  # fmt: skip
        tag = f"{name}-{dtype}-{size[0]}x{size[1]}-{length}-{beams}"
        yield dict(id=tag, what="generate", model=name, dtype=dtype, micro_batch=size[0], seq_len=size[1], length=length, beams=beams)


def build(transformers, point):
    from transformers.initialization import no_init_weights

    fields = dict(MODELS[point["model"]])
    config = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    config._attn_implementation = "sdpa"
    dtype = torch.bfloat16 if point["dtype"] == "bf16" else torch.float32
    with torch.device("cuda"), no_init_weights():
        model = getattr(transformers, CLASSES[config.model_type])._from_config(config, dtype=dtype, attn_implementation="sdpa")
    model.tie_weights()
    return model.eval()


def stop_at_length():
    """Questions to tensors are answered no, so that only the length ends generation."""
    from transformers.generation.utils import GenerationMixin

    GenerationMixin._beam_search_has_unfinished_sequences = lambda *_, **__: True
    prepare = GenerationMixin._has_unfinished_sequences

    def unfinished(self, this_peer_finished, *rest, **named):
        self._asked = getattr(self, "_asked", 0) + 1
        return self._asked <= self._steps and prepare(self, False, *rest, **named)

    GenerationMixin._has_unfinished_sequences = unfinished


def run_point(point):
    base.warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    base.patch_cuda()
    transformers = base.patch_transformers()
    stop_at_length()
    counter = base.LiveBytes(1)
    base.watch_storage(counter)
    is_amp = point["dtype"].startswith("amp")
    with base.FakeMode(allow_non_fake_inputs=True), counter, torch.no_grad():
        model = build(transformers, point)
        shape = (point["micro_batch"], point["seq_len"])
        zeros = lambda: torch.zeros(shape, dtype=torch.long, device="cuda")  # noqa: E731
        batch = dict(input_ids=zeros(), attention_mask=torch.ones(shape, dtype=torch.long, device="cuda"))
        if is_amp:
            # As accelerate wraps a prepared model's forward.
            from accelerate.utils.operations import convert_outputs_to_fp32

            model.forward = convert_outputs_to_fp32(torch.autocast("cuda", torch.bfloat16)(model.forward))
        base.gc.collect()
        before = counter.live
        if point["what"] == "loss":
            batch["labels"] = zeros()
        counter.peaks = {}
        counter.enter("evaluation")
        if point["what"] == "loss":
            out = model(**batch, use_cache=False)
        else:
            is_decoder = not model.config.is_encoder_decoder
            model._steps = point["length"] - (point["seq_len"] if is_decoder else 1)
            out = model.generate(**batch, max_length=point["length"], num_beams=point["beams"], do_sample=False, pad_token_id=0, eos_token_id=1)
        base.gc.collect()
        result = dict(peak=counter.peaks["evaluation"] - before, kept=counter.live - before)
        if point["what"] == "generate":
            result["tokens"] = list(out.shape)
    return dict(parameters=sum(p.numel() for p in model.parameters()), **result)


def _recorded(point):
    return dict(point, result=run_point(point))


def main():
    base.preload()
    done = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for point in pool.imap(_recorded, points(), chunksize=1):
            done.append(point)
            print(point["id"], point["result"], flush=True)
    lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
    models = ",\n".join(f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in MODELS.items())
    with open(sys.argv[1], "w") as file:
        file.write(f'{{"versions":{json.dumps(base.versions())},\n"models":{{\n{models}\n}},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
