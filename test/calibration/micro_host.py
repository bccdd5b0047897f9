"""What the time model is made of on the host's side: the link to the GPU, memory, and optimizers on the CPU."""
import os
import time

import torch

import building
from micro_gpu import seconds_of, sizes


def transfer(meter):
    """GB/s between host and GPU by bytes, direction, pinned or not, and in both directions at once."""
    rows, device = [], meter.device
    is_cuda = device.type == "cuda"
    for count in sizes(meter, [2**20, 2**23, 2**26, 2**30], [2**16]):
        there = torch.empty(count, dtype=torch.uint8, device=device)
        for is_pinned in (True, False) if is_cuda else (False,):
            here = torch.empty(count, dtype=torch.uint8, pin_memory=is_pinned)
            here.zero_()
            up = seconds_of(meter, lambda: there.copy_(here, non_blocking=True))
            down = seconds_of(meter, lambda: here.copy_(there, non_blocking=True))
            row = dict(bytes=count, pinned=is_pinned, up=round(count / up / 1e9, 2), down=round(count / down / 1e9, 2))
            if is_pinned:
                row["both"] = round(2 * count / both_ways(meter, here, there) / 1e9, 2)
            rows.append(row)
    return dict(unit="GB/s", rows=rows)


def both_ways(meter, here, there):
    other_here, other_there = torch.empty_like(here).pin_memory(), torch.empty_like(there)
    first, second = torch.cuda.Stream(), torch.cuda.Stream()

    def work():
        for stream in (first, second):
            stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(first):
            there.copy_(here, non_blocking=True)
        with torch.cuda.stream(second):
            other_here.copy_(other_there, non_blocking=True)
        for stream in (first, second):
            torch.cuda.current_stream().wait_stream(stream)

    return seconds_of(meter, work)


def threads():
    """1, 2, 4 … and all cores that this process may use."""
    cores = len(os.sched_getaffinity(0))
    return sorted({1 << bit for bit in range(cores.bit_length()) if 1 << bit <= cores} | {cores})


def wall(work, least=3):
    """Median seconds on the host."""
    work()
    times = []
    for _ in range(least):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def host_copy(meter):
    """GB/s read and written by a copy in host memory, by threads."""
    rows, count = [], sizes(meter, 2**30, 2**20)
    source, target = torch.zeros(count, dtype=torch.uint8), torch.zeros(count, dtype=torch.uint8)
    for number in threads():
        torch.set_num_threads(number)
        rows.append(dict(threads=number, rate=round(2 * count / wall(lambda: target.copy_(source)) / 1e9, 2)))
    return dict(unit="GB/s", rows=rows)


def cpu_adam(meter):
    """Seconds per billion weights of AdamW on the host in fp32, by implementation and threads."""
    rows, count = [], sizes(meter, 2**27, 2**14)
    kinds = {"foreach": lambda ps: building.optimizer_of(dict(optimizer="adamw_torch"), ps), "fused": lambda ps: building.optimizer_of(dict(optimizer="adamw_torch_fused"), ps)}
    skipped = []
    try:
        from sharding import cpu_optimizer

        if meter.device.type == "cpu":
            raise NotImplementedError("compiled for minutes, so left out of a dry run")
        cpu_optimizer([torch.nn.Parameter(torch.zeros(8))])
        kinds["deepspeed"] = cpu_optimizer
    except Exception as error:
        skipped.append(f"DeepSpeedCPUAdam: {type(error).__name__}: {str(error)[:120]}")
    for name, make in kinds.items():
        parameter = torch.nn.Parameter(torch.zeros(count))
        parameter.grad = torch.ones(count)
        stepper = make([parameter])
        for number in threads():
            torch.set_num_threads(number)
            rows.append(dict(implementation=name, threads=number, seconds_per_billion=wall(stepper.step) / count * 1e9))
        del stepper, parameter
    return dict(unit="s", rows=rows, skipped=skipped)
