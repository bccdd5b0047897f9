"""One forward and backward of a small model on fake tensors, as a list of events: which storage appears and goes, and in which block."""
import gc
import weakref

from fake_cuda import F, LiveBytes, torch

BF16, FP32 = torch.bfloat16, torch.float32
# Type of the weights, and whether autocast works over them.
PRECISIONS = {"bf16": (BF16, False), "fp32": (FP32, False), "amp": (FP32, True), "amp16": (BF16, True)}


class Events(LiveBytes):
    """Every storage with its exact bytes, the block it was made in, and when it went."""

    def __init__(self):
        super().__init__(granularity=1)
        self.made, self.gone, self.marks, self.alive = [], {}, [], {}
        self.clock, self.place, self.weights = 0, "ends", set()

    def ignore(self, tensors):
        """Weights and buffers, which are there before the step."""
        self.weights.update(tensor.untyped_storage()._cdata for tensor in tensors)

    def mark(self, name):
        self.clock += 1
        self.marks.append((self.clock, name))

    def _track(self, value):
        if isinstance(value, (tuple, list)):
            for item in value:
                self._track(item)
        elif isinstance(value, torch.Tensor) and value.device.type == "cuda":
            storage = value.untyped_storage()
            key = storage._cdata
            if key in self.alive or key in self.weights:
                return
            self.clock += 1
            index = len(self.made)
            self.made.append((self.clock, storage.nbytes(), self.place, tuple(value.shape), str(value.dtype)))
            self.alive[key] = index
            self.refs[key] = weakref.ref(storage, lambda _, key=key: self._drop(key))

    def _drop(self, key):
        self.clock += 1
        self.gone[self.alive.pop(key)] = self.clock
        self.refs.pop(key, None)

    def index_of(self, tensor):
        return self.alive.get(tensor.untyped_storage()._cdata)


def build(transformers, config, architecture, precision, attention):
    from transformers.initialization import no_init_weights

    kind = getattr(transformers, architecture)
    fields = dict(config)
    fields.pop("model_type", None)
    made = kind.config_class(**fields)
    made._attn_implementation, made.use_cache = attention, False
    if made.is_encoder_decoder and getattr(made, "decoder_start_token_id", None) is None:
        made.decoder_start_token_id = made.pad_token_id = 0
    text = made.get_text_config()
    text.use_cache = False
    with torch.device("cuda"), no_init_weights():
        model = kind._from_config(made, dtype=PRECISIONS[precision][0], attn_implementation=attention)
    # from_pretrained loads every weight in the type that is asked for, whatever the class makes it in.
    kept = [*(model._keep_in_fp32_modules or ()), *(model._keep_in_fp32_modules_strict or ())]
    for name, parameter in model.named_parameters():
        if not any(part in name for part in kept):
            parameter.data = parameter.data.to(PRECISIONS[precision][0])
    model.tie_weights()
    return model.train()


def blocks_of(model, names):
    """The repeated blocks in the order in which they stand, by the class names that the product knows."""
    return [module for module in model.modules() if type(module).__name__ in names]


def _tensor(value):
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, (tuple, list)):
        return next((found for found in map(_tensor, value) if found is not None), None)
    return None


class _Ask(torch.autograd.Function):
    """Lets a tensor ask for a gradient, and keeps nothing of it."""

    @staticmethod
    def forward(_, tensor, __):
        return tensor.view_as(tensor)

    @staticmethod
    def backward(_, __):
        return None, None


def _watch(events, index, block, frozen_first):
    def enter(*_):
        events.place = index

    def leave(_module, _inputs, output):
        events.place = "ends"
        stream = _tensor(output)
        if stream is not None and stream.requires_grad:
            stream.register_hook(lambda grad: events.mark(("backward", index, events.index_of(grad))))

    block.register_forward_pre_hook(enter)
    block.register_forward_hook(leave)
    if frozen_first:
        # As adapters would: what the first block's linear layers make asks for a gradient, what they read does not.
        asking = torch.zeros((), device="cuda", requires_grad=True)
        for module in block.modules():
            if isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D":
                module.register_forward_hook(lambda _m, _i, out: out if out.requires_grad else _Ask.apply(out, asking))


def run(model, blocks, batch, precision, frozen, checkpointing):
    """Events of one micro-step after a first one has warmed what is made once."""
    events = Events()
    if frozen:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        if checkpointing:
            model.enable_input_require_grads()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for index, block in enumerate(blocks):
        _watch(events, index, block, frozen and not checkpointing and index == 0)
    forward = model.forward
    if PRECISIONS[precision][1]:
        from accelerate.utils import convert_outputs_to_fp32

        model.forward = convert_outputs_to_fp32(torch.autocast("cuda", dtype=BF16)(type(model).forward.__get__(model)))
    events.ignore([*model.parameters(), *model.buffers()])
    with events:
        inputs = batch()
        loss = model(**inputs)["loss"]
        del inputs
        events.mark(("loss",))
        loss.backward()
        events.mark(("end",))
        for parameter in model.parameters():
            if parameter.grad is not None:
                events.marks.append((events.index_of(parameter.grad), ("gradient",)))
    del loss
    model.forward = forward
    gc.collect()
    return events


__all__ = ["F", "PRECISIONS", "Events", "blocks_of", "build", "run", "torch"]
