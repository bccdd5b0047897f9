"""What a phase held: bytes allocated and reserved by torch, bytes the driver gave out, resident bytes of the process, seconds.

Three meters with one face: `CudaMeter` measures, `FakeMeter` counts the storages of the oracle's pretended GPU at full size,
`CpuMeter` has no memory to tell of and serves dry runs.
"""
import contextlib
import gc
import statistics
import time

import torch

GIB = 2**30


def resident_bytes():
    """Of this process now; 0 where /proc is absent."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0


class Meter:
    """Phases by group, as `phases["steady"]["forward_1"]`; each with its peaks, and what was live when it ended."""

    name = "cpu"

    def __init__(self):
        self.device, self.phases, self.group = torch.device("cpu"), {}, "load"

    def begin(self):
        pass

    def figures(self):
        return {}

    def synchronize(self):
        pass

    def release(self):
        """Gives cached memory back, so that a phase's reserved bytes are its own."""

    @contextlib.contextmanager
    def phase(self, name):
        self.synchronize()
        self.begin()
        started = time.perf_counter()
        try:
            yield
        finally:
            # Also after an out-of-memory error: how far it came is worth knowing.
            self.synchronize()
            seconds = time.perf_counter() - started
            figures = dict(self.figures(), resident=resident_bytes(), seconds=round(seconds, 6))
            self.phases.setdefault(self.group, {})[name] = figures

    def peak(self, figure, groups):
        values = [one[figure] for group in groups for one in self.phases.get(group, {}).values() if figure in one]
        return max(values) if values else None

    def clock(self, work, times):
        """Seconds of each call of `work`: `device` between events on the GPU, `wall` on the host."""
        wall = []
        for _ in range(times):
            started = time.perf_counter()
            work()
            wall.append(time.perf_counter() - started)
        return {"wall": wall, "device": []}


class CpuMeter(Meter):
    pass


class CudaMeter(Meter):
    name = "cuda"

    def __init__(self, before):
        """`before`: bytes that others held on the GPU when the script began, which the driver counts too."""
        super().__init__()
        self.device, self.before = torch.device("cuda", 0), before
        torch.zeros(1, device=self.device)
        self.context = self.driver()

    def driver(self):
        """Bytes that the driver gave to this process: what nvidia-smi shows of it."""
        free, total = torch.cuda.mem_get_info()
        return max(0, total - free - self.before)

    def begin(self):
        torch.cuda.reset_peak_memory_stats()

    def figures(self):
        cuda = torch.cuda
        stats = cuda.memory_stats()
        return dict(
            allocated=cuda.max_memory_allocated(),
            reserved=cuda.max_memory_reserved(),
            live=cuda.memory_allocated(),
            # The driver's figure never falls while nothing is given back, so at the end of a phase it is the phase's peak.
            driver=self.driver(),
            retries=stats.get("num_alloc_retries", 0),
            inactive=stats.get("inactive_split_bytes.all.peak", 0),
        )

    def synchronize(self):
        torch.cuda.synchronize()

    def release(self):
        gc.collect()
        torch.cuda.empty_cache()

    def clock(self, work, times):
        """No synchronisation between calls, as in training: each call's events are read at the end."""
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(times + 1)]
        torch.cuda.synchronize()
        started = time.perf_counter()
        marks[0].record()
        for mark in marks[1:]:
            work()
            mark.record()
        torch.cuda.synchronize()
        wall = (time.perf_counter() - started) / times
        device = [first.elapsed_time(second) / 1000 for first, second in zip(marks, marks[1:])]
        return {"wall": [wall], "device": device}


class FakeMeter(Meter):
    """Counts live storages on the pretended GPU of test/oracle/fake_cuda.py, at any size and without computing anything."""

    name = "fake"

    def __init__(self, counter):
        super().__init__()
        self.device, self.counter = torch.device("cuda", 0), counter

    def begin(self):
        gc.collect()
        self.counter.peaks = {}
        self.counter.enter("now")

    def figures(self):
        return dict(allocated=self.counter.peaks.get("now", self.counter.live), live=self.counter.live)


def median_of(times):
    """Median, least and most of the seconds on the device, or of the wall where there is no device."""
    seconds = times["device"] or times["wall"]
    return dict(median=statistics.median(seconds), least=min(seconds), most=max(seconds), count=len(seconds), wall=statistics.median(times["wall"]))
