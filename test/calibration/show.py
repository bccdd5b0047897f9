#!/usr/bin/env python3
"""Records as tables: `python show.py records.jsonl`. Peaks by phase of each run, then what was measured alone."""
import json
import sys

GIB = 2**30
_PHASES = ("load", "forward_1", "backward_1", "forward_2", "backward_2", "clip", "step")


def main():
    records = {}
    for path in sys.argv[1:]:
        with open(path) as file:
            for line in file:
                record = json.loads(line)
                records[record["id"]] = record  # The last one of a point stands.
    runs = [record for record in records.values() if record["kind"] == "run"]
    show_machine(next(iter(records.values())))
    show_runs([run for run in runs if run["measured"].get("peak_mem_gib_per_gpu") is not None])
    for record in records.values():
        if record["kind"] == "component" and record["outcome"] == "measured":
            show_component(record)
    for record in records.values():
        if record["outcome"] != "measured":
            print(f"{record['id']}: {record['outcome']}: {record.get('notes', '')}")


def show_machine(record):
    versions = record["environment"]["versions"]
    print(f"{record['gpu'] or record['device']}, {record['date']}: " + ", ".join(f"{name} {version}" for name, version in versions.items()))


def show_runs(runs):
    """Allocated peaks in GiB: loading, then the phases of the steady step; torch's and the driver's peak of all; seconds of a step."""
    rows = [["run", *_PHASES, "eval", "reserved", "driver", "step s"]]
    for run in runs:
        measured, phases = run["measured"], run["measured"]["phases"]
        inside = dict(phases.get("steady", {}), load=phases.get("load", {}).get("load", {}), eval=next(iter(phases.get("eval", {}).values()), {}))
        found = [inside.get(name, {}).get("allocated") for name in (*_PHASES, "eval")]
        step = measured.get("step_s", measured.get("compute_step_s"))
        rest = [measured.get("peak_reserved_gib_per_gpu"), measured.get("peak_mem_nvml_gib")]
        figures = [None if value is None else value / GIB for value in found] + rest
        rows.append([run["id"], *("" if value is None else f"{value:.2f}" for value in figures), "" if step is None else f"{step:.4f}"])
    table(rows)


def show_component(record):
    measured = record["measured"]
    print(f"\n{record['component']}, {measured['unit']}")
    names = list(dict.fromkeys(name for row in measured["rows"] for name in row))
    table([names, *([_shown(row.get(name, "")) for name in names] for row in measured["rows"])])
    for note in measured.get("skipped", []):
        print(f"skipped: {note}")


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip())


if __name__ == "__main__":
    main()
