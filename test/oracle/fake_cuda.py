"""A "cuda" device that exists only in name, and a count of the bytes that live on it.

Real training code runs on fake tensors: nothing is computed, every storage is counted. A small C++ shim answers torch's questions
about the device; the Python side of torch.cuda is replaced by stand-ins. Works with the CPU and the CUDA build of torch, without a GPU.
"""
import ctypes
import hashlib
import importlib.util
import os
import subprocess
import tempfile
import weakref

SHIM = r"""
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <ATen/detail/CUDAHooksInterface.h>
using namespace c10;
struct Guard final : impl::DeviceGuardImplInterface {
  DeviceType type() const override { return DeviceType::CUDA; }
  Device exchangeDevice(Device) const override { return Device(DeviceType::CUDA, 0); }
  Device getDevice() const override { return Device(DeviceType::CUDA, 0); }
  void setDevice(Device) const override {}
  void uncheckedSetDevice(Device) const noexcept override {}
  Stream getStream(Device) const override { return Stream(Stream::DEFAULT, Device(DeviceType::CUDA, 0)); }
  Stream getDefaultStream(Device d) const override { return getStream(d); }
  Stream getNewStream(Device d, int = 0) const override { return getStream(d); }
  Stream getStreamFromGlobalPool(Device d, bool = false) const override { return getStream(d); }
  Stream exchangeStream(Stream s) const override { return getStream(s.device()); }
  DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const Stream&, const DeviceIndex, const EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const DeviceIndex) const noexcept override {}
  void synchronizeEvent(void*) const override {}
  void synchronizeDevice(const DeviceIndex) const override {}
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
  void recordDataPtrOnStream(const DataPtr&, const Stream&) const override {}
};
struct Hooks final : at::CUDAHooksInterface {
  Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
};
extern "C" void use_guard() { new impl::DeviceGuardImplRegistrar(DeviceType::CUDA, new Guard()); }
namespace at { C10_REGISTER_CLASS_WITH_PRIORITY(CUDAHooksRegistry, CUDAHooks, c10::REGISTRY_PREFERRED, ::Hooks) }
"""


def _load_shim():
    """Compiles the shim once and loads it before torch, which looks its hooks up only once."""
    torch_dir = os.path.dirname(importlib.util.find_spec("torch").origin)
    with open(os.path.join(torch_dir, "version.py")) as file:
        tag = hashlib.sha256((SHIM + file.read()).encode()).hexdigest()[:12]
    library = os.path.join(tempfile.gettempdir(), f"fake_cuda_{tag}.so")
    if not os.path.exists(library):
        source, made = f"{library}.{os.getpid()}.cpp", f"{library}.{os.getpid()}"
        with open(source, "w") as file:
            file.write(SHIM)
        subprocess.check_call(
            ["g++", "-std=c++20", "-O1", "-fPIC", "-shared", "-w", source, "-o", made]
            + [f"-I{torch_dir}/include", f"-L{torch_dir}/lib", "-lc10", "-ltorch_cpu"]
        )
        os.replace(made, library)
        os.unlink(source)
    ctypes.CDLL(os.path.join(torch_dir, "lib", "libtorch_cpu.so"), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)


_shim = _load_shim()
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass  # noqa: E402

# A CUDA build has put its own guard in the meantime.
_shim.use_guard()


class FakeMode(FakeTensorMode):
    # torch.tensor(x, device="cuda") must be lifted from the CPU although is_available() says yes.
    avoid_device_init = True


class _Nothing:
    """Stands for a stream, an event and a device context."""

    device = torch.device("cuda", 0)
    stream_id, device_index, device_type = 0, 0, 1

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def query(self):
        return True

    def record(self, *_, **__):
        return self

    def record_event(self, event=None):
        return event or _Nothing()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def patch_cuda():
    cuda, one = torch.cuda, _Nothing()
    answers = dict(
        is_available=True, is_initialized=True, device_count=1, current_device=0, set_device=None, get_device_name="fake",
        get_device_capability=(9, 0), is_bf16_supported=True, stream=one, current_stream=one, default_stream=one,
        synchronize=None, empty_cache=None, _lazy_init=None, is_current_stream_capturing=False, get_rng_state=None,
        set_rng_state=None, mem_get_info=(80 << 30, 80 << 30),
    )  # fmt: skip
    for name, answer in answers.items():
        setattr(cuda, name, lambda *_, _answer=answer, **__: _answer)
    cuda.Stream = cuda.Event = cuda.device = _Nothing
    torch.Tensor.record_stream = lambda *_, **__: None
    import torch.utils.checkpoint as checkpoint

    checkpoint.get_device_states = lambda *_: ([], [])
    checkpoint.set_device_states = lambda *_, **__: None


_attention = F.scaled_dot_product_attention


def attention_as_cuda(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """The kernel that CUDA would pick: flash without a mask in 16 bits, else memory-efficient, else mathematics."""
    if getattr(query, "fake_mode", None) is None and query.device.type != "cuda":
        return _attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    if torch.is_autocast_enabled("cuda"):
        dtype = torch.get_autocast_dtype("cuda")
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
        if attn_mask is not None and attn_mask.dtype != torch.bool:
            attn_mask = attn_mask.to(dtype)
    aten, width = torch.ops.aten, query.shape[-1]
    is_half = query.dtype in (torch.float16, torch.bfloat16)
    if attn_mask is None and is_half and width == value.shape[-1] and width <= 256:
        pad = -width % 8
        if pad:
            query, key, value = (F.pad(x, (0, pad)) for x in (query, key, value))
        out = aten._scaled_dot_product_flash_attention(
            query, key, value, dropout_p, is_causal, False, scale=scale if scale is not None else width**-0.5
        )[0]
        return out[..., :width] if pad else out
    # sdp_utils_cpp.h, check_batch_size_and_num_heads_dense: as many key heads as query heads will do, whatever enable_gqa says.
    if query.shape[1] == key.shape[1]:
        bias = attn_mask
        if bias is not None:
            if bias.dtype == torch.bool:
                bias = torch.zeros_like(bias, dtype=query.dtype).masked_fill_(bias.logical_not(), float("-inf"))
            if bias.shape[-1] % 8:
                bias = F.pad(bias, (0, -bias.shape[-1] % 8))[..., : bias.shape[-1]]
            bias = bias.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])
        needs = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
        return aten._scaled_dot_product_efficient_attention(query, key, value, bias, needs, dropout_p, is_causal, scale=scale)[0]
    return aten._scaled_dot_product_attention_math(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )[0]


def patch_module_apply():
    """Module.to on fake parameters wants swap_tensors, which refuses tensors with weak references: rebuild the parameter."""

    def _apply(self, fn, recurse=True):
        for child in self.children() if recurse else ():
            child._apply(fn)
        for tensors in (self._parameters, self._buffers):
            for name, old in list(tensors.items()):
                if old is None:
                    continue
                with torch.no_grad():
                    new = fn(old)
                if new is not old:
                    is_parameter = isinstance(old, torch.nn.Parameter)
                    tensors[name] = torch.nn.Parameter(new, requires_grad=old.requires_grad) if is_parameter else new
        return self

    torch.nn.Module._apply = _apply


class LiveBytes(TorchDispatchMode):
    """Bytes of all live storages on "cuda", each rounded up like the caching allocator's `allocated`."""

    def __init__(self, granularity=512):
        super().__init__()
        self.granularity, self.live, self.muted = granularity, 0, 0
        self.sizes, self.refs, self.phase, self.peaks = {}, {}, None, {}

    def enter(self, phase):
        self.phase = phase
        if phase is not None:
            self.peaks[phase] = max(self.peaks.get(phase, 0), self.live)

    def resized(self, storage):
        key = storage._cdata
        if key in self.sizes:
            size = self._round(storage.nbytes())
            self._grow(size - self.sizes[key])
            self.sizes[key] = size

    def _round(self, size):
        return -(-size // self.granularity) * self.granularity

    def _grow(self, size):
        self.live += size
        if self.phase is not None and self.live > self.peaks.get(self.phase, 0):
            self.peaks[self.phase] = self.live

    def _drop(self, key):
        self.live -= self.sizes.pop(key, 0)
        self.refs.pop(key, None)

    def _track(self, value):
        if isinstance(value, (tuple, list)):
            for item in value:
                self._track(item)
        elif isinstance(value, torch.Tensor):
            local = value._local_tensor if type(value).__name__ == "DTensor" else value
            if is_traceable_wrapper_subclass(local):
                # A quantised state: its own storage is for show, and what it wraps was made by operators.
                self._track([getattr(local, name) for name in local.__tensor_flatten__()[0]])
                return
            if local.device.type != "cuda" or self.muted:
                return
            storage = local.untyped_storage()
            key = storage._cdata
            if key not in self.sizes:
                self.sizes[key] = self._round(storage.nbytes())
                self.refs[key] = weakref.ref(storage, lambda _, key=key: self._drop(key))
                self._grow(self.sizes[key])

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(kind.__name__ in ("DTensor", "AsyncCollectiveTensor") for kind in types):
            return NotImplemented
        if func is torch.ops.aten._local_scalar_dense.default:
            # A value is read on the host: no for a question, one for a number.
            dtype = args[0].dtype
            return False if dtype == torch.bool else 1.0 if dtype.is_floating_point else 1
        out = func(*args, **(kwargs or {}))
        self._track(out)
        return out


def watch_storage(counter):
    """Both FSDPs free and refill gathered parameters through resize_, which is no operator; DTensor's sharding propagation
    runs each operator once on the global shape, which must not be counted."""
    resize = torch.UntypedStorage.resize_

    def resize_(self, size):
        result = resize(self, size)
        counter.resized(self)
        return result

    torch.UntypedStorage.resize_ = resize_
    if not torch.distributed.is_initialized():
        return
    from torch.distributed.tensor._sharding_prop import ShardingPropagator

    names = ("_propagate_tensor_meta_non_cached", "_propagate_tensor_meta", "propagate_tensor_meta", "propagate_op_sharding_non_cached")
    for name in names:
        inner = getattr(ShardingPropagator, name, None)
        if inner is None:
            continue

        def muted(self, *args, _inner=inner, **kwargs):
            counter.muted += 1
            try:
                return _inner(self, *args, **kwargs)
            finally:
                counter.muted -= 1

        setattr(ShardingPropagator, name, muted)
