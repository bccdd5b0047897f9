"""Runs cases against a framework and records what it says: raised, ran, or not run here.

Each case runs in a child process of its own, forked after the frameworks are imported: what one case leaves behind (environment,
process groups, patched classes, a crash) cannot reach the next.
"""

import io
import json
import logging
import os
import platform
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata
from pathlib import Path

# The recorders are called after their frameworks; the folder goes last, so that `import accelerate` finds the package.
HERE = str(Path(__file__).resolve().parent)
sys.path[:] = [path for path in sys.path if os.path.realpath(path or ".") != HERE] + [HERE]

LIMIT_SECONDS = 120
MESSAGE_CHARACTERS = 300
WARNING_CHARACTERS = 200
MOST_WARNINGS = 8

# Where a raise is looked for: the innermost frame in one of these packages is what a rule cites.
FRAMEWORKS = ("deepspeed", "transformers", "trl", "accelerate", "peft", "torch", "hjson", "yaml")


class NotRun(Exception):
    """The real thing cannot happen on this machine: it needs a GPU, the network, more processes."""


class Stage:
    """Where a case stands, so that a raise says how far it came: `stage.at("finalize")`."""

    name = "start"

    def at(self, name):
        self.name = name


stage = Stage()


def versions(*packages):
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def record(cases, run_case, packages):
    """Runs `run_case(case, folder)` for each case and gives the recording; `run_case` returns the values worth comparing."""
    verdicts = {}
    started = time.monotonic()
    for number, case in enumerate(cases, 1):
        verdicts[case["id"]] = _in_child(case, run_case)
        if number % 100 == 0:
            print(f"{number} of {len(cases)} cases, {time.monotonic() - started:.0f} s", file=sys.stderr)
    return {"versions": versions(*packages), "verdicts": verdicts}


def _in_child(case, run_case):
    folder = tempfile.mkdtemp(prefix="shardlens-case-")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        signal.alarm(LIMIT_SECONDS)
        verdict = _verdict(case, run_case, Path(folder))
        with os.fdopen(writer, "wb") as out:
            out.write(json.dumps(verdict, default=str).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        data = source.read()
    _, status = os.waitpid(pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    if data:
        return json.loads(data)
    return {"verdict": "not-run", "reason": f"the process ended with status {status}"}


def _verdict(case, run_case, folder):
    for name, text in case["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    os.chdir(folder)
    heard = _Heard()
    logging.getLogger().addHandler(heard)
    # Libraries stop their records from reaching the root logger.
    for name in FRAMEWORKS + ("DeepSpeed",):
        logging.getLogger(name).addHandler(heard)
    verdict = {}
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("always")
        try:
            values = run_case(case, folder)
            verdict = {"verdict": "ran", "values": values} if values else {"verdict": "ran"}
        except NotRun as reason:
            verdict = {"verdict": "not-run", "reason": str(reason)}
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a run as well
            verdict = {
                "verdict": "raised",
                "type": type(error).__name__,
                "message": _plain(str(error), folder)[:MESSAGE_CHARACTERS],
                "at": _innermost(error),
            }
    verdict["stage"] = stage.name
    said = [f"{warning.category.__name__}: {warning.message}" for warning in caught] + heard.lines
    said = list(dict.fromkeys(_plain(text, folder)[:WARNING_CHARACTERS] for text in said if not _is_noise(text)))
    if said:
        verdict["warnings"] = said[:MOST_WARNINGS]
    return {key: value for key, value in verdict.items() if value is not None}


class _Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, entry):
        self.lines.append(f"{entry.levelname}: {entry.getMessage()}")


def _innermost(error):
    """`transformers/training_args.py:1234`: the last frame that stands in a framework, torch only when no other does."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    found = [(package, path, line) for path, line in frames if (package := _package(path))]
    for avoid in (("torch", "yaml", "hjson"), ()):
        for package, path, line in reversed(found):
            if package not in avoid:
                return f"{path[path.rindex(f'{os.sep}{package}{os.sep}') + 1:]}:{line}"
    return None


def _package(path):
    for package in FRAMEWORKS:
        if f"{os.sep}site-packages{os.sep}{package}{os.sep}" in path:
            return package
    return None


def _plain(text, folder):
    """Without what changes from run to run or machine to machine."""
    text = text.replace(str(folder), "FOLDER").replace(sys.prefix, "PYTHON").replace(os.path.expanduser("~"), "HOME")
    return re.sub(r"\b0x[0-9a-f]{6,}\b", "0x…", " ".join(text.split()))


def _is_noise(text):
    return any(each in text for each in ("NVML", "is_fork", "os.fork", "CUDA initialization", "destroy_process_group", "ResourceWarning"))


def main(run_case, packages):
    """`python recorder.py CASES OUT`: what record.mjs starts."""
    cases_file, out = sys.argv[1:3]
    cases = json.loads(Path(cases_file).read_text(encoding="utf-8"))
    recording = record(cases, run_case, packages)
    Path(out).write_text(json.dumps(recording, sort_keys=True), encoding="utf-8")
