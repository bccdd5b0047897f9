"""The machine and its software, asked without touching the GPU: the parent forks, and CUDA does not survive a fork."""
import importlib.metadata
import importlib.util
import os
import platform
import subprocess

# Versions of all of these are kept in each record; the reader hands those it knows to the predictor.
PACKAGES = ("torch", "transformers", "accelerate", "peft", "deepspeed", "bitsandbytes", "flash-attn", "liger-kernel", "triton", "trl")
_MODULES = {"flash-attn": "flash_attn", "liger-kernel": "liger_kernel"}


def versions():
    """Installed version by package; a package that is there without metadata is `unknown`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        if importlib.util.find_spec(_MODULES.get(name, name)) is None:
            continue
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def first_visible():
    """Number or UUID of the first GPU that this process may use."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0] or "0"


def gpu():
    """Name, driver, bytes in all and in use, clocks and link of the first visible GPU; None where there is none."""
    fields = ["name", "driver_version", "memory.total", "memory.used", "clocks.max.sm", "clocks.max.memory", "power.limit", "pcie.link.gen.max", "pcie.link.width.max", "compute_cap"]
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", "-i", first_visible()]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    values = [value.strip() for value in answer.strip().splitlines()[0].split(",")]
    found = dict(zip(fields, values))
    for field in ("memory.total", "memory.used"):
        found[field] = int(float(found[field])) * 2**20
    return found


def host():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return dict(cpus=len(os.sched_getaffinity(0)), memory_bytes=memory, cpu=_cpu(), kernel=platform.release())


def _cpu():
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    except OSError:
        return platform.machine()


def commit():
    """Of the repository that the script stands in; None outside one."""
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def missing(point, found, device):
    """Why the point cannot run here, or None: packages it needs, and what the device cannot do."""
    for package in needs(point):
        if package not in found:
            return f"{package} is not installed"
    if device == "fake":
        if point["kind"] != "train":
            return "the pretended GPU computes nothing"
        if point.get("quantization") or "8bit" in point["optimizer"] or point.get("liger") or point.get("compile") or point.get("allocator"):
            return "its kernels do not run on pretended tensors, or the allocator is what is asked"
        if point["sharding"].startswith("zero") or point["attention"] == "flash_attention_2":
            return "recorded by test/oracle/record_memory.py instead"
    if device == "cpu" and point.get("kind") != "micro":
        if point["attention"] == "flash_attention_2" or point["optimizer"] == "paged_adamw_8bit":
            return "needs a GPU"
        if point.get("liger"):
            return "Triton's kernels need a GPU"
    return None


def needs(point):
    if point["kind"] == "micro":
        return []
    wanted = ["accelerate"] if point["kind"] == "trainer" or point["precision"] == "bf16-autocast" or point.get("quantization") else []
    wanted += ["peft"] if point.get("lora") else []
    wanted += ["bitsandbytes"] if point.get("quantization") or "8bit" in point["optimizer"] else []
    wanted += ["deepspeed"] if point["sharding"].startswith("zero") else []
    wanted += ["flash-attn"] if point["attention"] == "flash_attention_2" else []
    wanted += ["liger-kernel"] if point.get("liger") else []
    return wanted
