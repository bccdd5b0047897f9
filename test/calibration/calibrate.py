#!/usr/bin/env python3
"""Measures memory by phase and step time of a grid of training runs on one GPU. See README.md.

    python calibrate.py --list                                    the plan, with predicted seconds
    python calibrate.py --date 2026-11-21 --minutes 10            as much of it as ten minutes hold, most telling first
    python calibrate.py --date 2026-11-21 --only 'llama3-1b-*'    some of it
    python calibrate.py --date 2026-11-21 --device cpu            every kind of point, tiny, without a GPU: proves the code
"""
import argparse
import fnmatch
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import costs  # noqa: E402
import environment  # noqa: E402
import processes  # noqa: E402
from plan import points  # noqa: E402
from records import Records, record_of  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="Records are appended; points that have one are not run again.")
    parser.add_argument("--list", action="store_true", help="print the plan and stop")
    parser.add_argument("--date", help="today, as YYYY-MM-DD; kept in each record")
    parser.add_argument("--commit", help="of the script, where git cannot say it")
    parser.add_argument("--minutes", type=float, help="end within so many minutes")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="ids that match, as 'llama3-1b-*'; may be repeated")
    parser.add_argument("--again", action="store_true", help="try points again that failed or were skipped")
    parser.add_argument("--device", choices=("cuda", "cpu", "fake"), default="cuda", help="cpu: tiny sizes, real code; fake: real sizes, nothing computed")
    parser.add_argument("--out", default="records.jsonl", help="file of records, appended to")
    parser.add_argument("--limit", type=float, default=150, help="seconds after which a point is ended")
    parser.add_argument("--tflops", type=float, default=250, help="what the GPU reaches in training; for the predicted seconds only")
    parser.add_argument("--spawn", action="store_true", help="start each point from nothing instead of forking")
    return parser.parse_args()


def wanted(only):
    return [point for point in points() if not only or any(fnmatch.fnmatch(point["id"], pattern) for pattern in only)]


def show_plan(chosen, tflops):
    total, installed = 0.0, environment.versions()
    for point in chosen:
        seconds = costs.seconds_of(point, tflops)
        total += seconds
        reason = environment.missing(point, installed, "cuda")
        print(f"{total / 60:6.1f} min {seconds:5.0f} s  {point['id']}{f'  (would be skipped: {reason})' if reason else ''}")
    print(f"{len(chosen)} points, about {total / 60:.0f} minutes")


def shrunk(point):
    """The same kind of point, tiny."""
    changes = dict(tiny=True, sequence=32, micro=min(point.get("micro", 1), 2))
    return point if point["kind"] == "micro" else dict(point, **changes)


def main():
    options = arguments()
    chosen = wanted(options.only)
    if options.list:
        show_plan(chosen, options.tflops)
        return 0
    if not options.date:
        raise SystemExit("--date is needed: records say when they were taken")
    started = time.monotonic()
    # One GPU: with more in sight the Trainer would spread the batch over them.
    os.environ["CUDA_VISIBLE_DEVICES"] = environment.first_visible()
    gpu = environment.gpu() if options.device == "cuda" else None
    if options.device == "cuda" and gpu is None:
        raise SystemExit("nvidia-smi names no GPU; --device cpu proves the code without one")
    stamp = dict(date=options.date, commit=options.commit or environment.commit(), device=options.device, gpu=gpu, host=environment.host(), versions=environment.versions())
    processes.preload(options.device)
    # Asked again: a library that was read may have taken the GPU's memory for this process.
    child = dict(device=options.device, before=environment.gpu()["memory.used"] if gpu else 0, spawn=options.spawn)
    if options.device == "cuda" and not options.spawn:
        child["spawn"] = not processes.can_fork(child)
    print(f"{(gpu or {}).get('name', options.device)}, {'spawning' if child['spawn'] else 'forking'}, ready after {time.monotonic() - started:.0f} s", flush=True)
    until = started + options.minutes * 60 if options.minutes else None
    return run(chosen, Records(options.out), stamp, child, options, until)


def run(chosen, records, stamp, child, options, until):
    """All points in order; near the end of the time, those that are predicted to fit what is left."""
    counts, late = {}, []
    for point in chosen:
        if records.has(point["id"], options.again):
            continue
        left = until - time.monotonic() if until else float("inf")
        predicted = costs.seconds_of(point, options.tflops) if options.device == "cuda" else 0
        reason = environment.missing(point, stamp["versions"], options.device)
        if reason is None and predicted > left:
            late.append(point["id"])
            continue
        point = shrunk(point) if options.device == "cpu" else point
        answer = dict(outcome="skipped", reason=reason, seconds=0.0) if reason else processes.answer_of(point, child, min(options.limit, left))
        if answer["outcome"] == "timed out" and left < options.limit:
            # The slot ended, not the point's patience: the next run may try.
            late.append(point["id"])
            continue
        record = record_of(point, answer, stamp)
        records.write(record)
        counts[record["outcome"]] = counts.get(record["outcome"], 0) + 1
        print(line_of(record, predicted), flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing to do", flush=True)
    if late:
        print(f"{len(late)} points left for want of time: {' '.join(late)}")
    return 0


def line_of(record, predicted):
    measured = record["measured"]
    peak, step = measured.get("peak_mem_gib_per_gpu"), measured.get("step_s", measured.get("compute_step_s"))
    figures = [f"{peak:.2f} GiB" if peak is not None else "", f"{step * 1000:.1f} ms" if step else ""]
    what = "  ".join(figure for figure in figures if figure) or record.get("notes", "")
    return f"{record['seconds']:6.1f} s ({predicted:3.0f})  {record['outcome']:<13} {record['id']:<32} {what}"


if __name__ == "__main__":
    sys.exit(main())
