"""Each point in a process of its own: an out-of-memory error, a crash or a hang is a record, not the end.

Libraries are read once, by the parent; a child is a fork of it, so that a point costs its measuring and little more. The parent
must not touch the GPU. Where a fork cannot use it all the same, children are started from nothing, ten seconds dearer.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


def preload(device):
    """Reads what every point needs, before the forks. On the pretended GPU its library comes first."""
    # torch.cuda.is_available() then asks NVML and leaves CUDA alone.
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if device == "fake":
        sys.path.insert(0, os.path.join(HERE, "..", "oracle"))
        import fake_cuda  # noqa: F401
    for name in ("torch", "transformers", "accelerate", "peft", "torch.distributed.fsdp", "torch.testing._internal.distributed.fake_pg"):
        try:
            __import__(name)
        except ImportError:
            pass


def answer_of(point, options, limit):
    """What the point's process gave back; `limit` in seconds, after which it is ended."""
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder:
        result, log = os.path.join(folder, "answer.json"), os.path.join(folder, "log.txt")
        start = time.monotonic()
        child = _spawned(point, options, result, log) if options["spawn"] else _forked(point, options, result, log)
        status = _wait(child, start + limit)
        seconds = time.monotonic() - start
        if os.path.exists(result):
            with open(result) as file:
                return dict(json.load(file), seconds=seconds)
        if status is None:
            return dict(outcome="timed out", reason=f"more than {limit:.0f} s", seconds=seconds)
        with open(log, errors="replace") as file:
            last = " | ".join(file.read().strip().splitlines()[-3:])[-400:]
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
        return dict(outcome="crashed", reason=f"{how}: {last}", seconds=seconds)


def _forked(point, options, result, log):
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            _redirect(log)
            perform(point, options, result)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _spawned(point, options, result, log):
    command = [sys.executable, os.path.join(HERE, "processes.py"), json.dumps(point), json.dumps(options), result]
    with open(log, "w") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, process_group=0).pid


def _redirect(log):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1), os.dup2(file, 2)


def _wait(child, until):
    """The child's status, or None where it had to be ended with all it started."""
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def perform(point, options, result):
    """In the child: measures, and writes what was found, or how far it came."""
    import torch

    torch.manual_seed(0)
    if point.get("allocator"):
        # The variable where the allocator has not been asked yet, the call where it has.
        os.environ["PYTORCH_CUDA_ALLOC_CONF"] = point["allocator"]
        torch.cuda.memory._set_allocator_settings(point["allocator"])
    meter = _meter(options, torch)
    answer = dict(outcome="measured")
    try:
        answer["found"] = _measure(point, meter)
    except torch.OutOfMemoryError as error:
        answer.update(outcome="out of memory", reason=f"in {meter.group}: {str(error).splitlines()[0][:300]}")
    except Exception as error:
        traceback.print_exc()
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer.update(outcome="failed", reason=f"{type(error).__name__}: {str(error)[:300]} ({os.path.basename(place.filename)}:{place.lineno})")
    answer["phases"] = meter.phases
    with open(result + ".part", "w") as file:
        json.dump(answer, file)
    os.replace(result + ".part", result)


def _meter(options, torch):
    from meters import CpuMeter, CudaMeter, FakeMeter

    if options["device"] == "cuda":
        return CudaMeter(options["before"])
    if options["device"] == "cpu":
        torch.set_num_threads(1)
        return CpuMeter()
    from fake_cuda import LiveBytes

    return FakeMeter(LiveBytes())


def _measure(point, meter):
    if meter.name == "fake":
        from pretended import measure

        return measure(point, meter)
    if point["kind"] == "micro":
        import micro_gpu
        import micro_host

        name = point["what"].replace("-", "_")
        return (getattr(micro_gpu, name, None) or getattr(micro_host, name))(meter)
    import trainer_loop
    import training

    return (trainer_loop if point["kind"] == "trainer" else training).measure(point, meter)


def can_fork(options):
    """Whether a fork of this process can use the GPU."""
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder:
        result, log = os.path.join(folder, "answer.json"), os.path.join(folder, "log.txt")
        _wait(_forked(dict(kind="micro", what="context"), options, result, log), time.monotonic() + 120)
        if not os.path.exists(result):
            return False
        with open(result) as file:
            return json.load(file)["outcome"] == "measured"


if __name__ == "__main__":
    _options = json.loads(sys.argv[2])
    preload(_options["device"])
    perform(json.loads(sys.argv[1]), _options, sys.argv[3])
