"""The loop of recorders that add points to a file: each point runs in a process of its own, and what raises is kept with its reason."""
import json
import multiprocessing
import os


class Recorder:
    """`run(point)` records one; `models` and `versions()` head the file; `said(result)` is what is printed of a point."""

    def __init__(self, points, run, models, versions, said, reason=None, preload=None):
        self.points, self.run, self.models, self.versions, self.said = points, run, models, versions, said
        self.reason = reason or (lambda point, error: f"{type(error).__name__}: {str(error)[:200]}")
        self.preload = preload or (lambda: None)

    def main(self, command, *rest):
        """`record OUT.json [NAME…]`: the points that OUT.json lacks, or those of them whose id begins with a NAME; `one ID`: printed."""
        self.preload()
        if command == "one":
            print(json.dumps(self.run(next(p for p in self.points() if p["id"] == rest[0])), indent=1))
            return
        path, *names = rest
        done, left = _points_of(path), {}
        RUNNING[:] = [self]
        has = {point["id"] for point in done}
        wanted = [p for p in self.points() if p["id"] not in has and (not names or p["id"].startswith(tuple(names)))]
        with multiprocessing.get_context("fork").Pool(int(os.environ.get("JOBS", "1")), maxtasksperchild=1) as pool:
            for point in pool.imap(_recorded, wanted, chunksize=1):
                if "failed" in point:
                    left[point["id"]] = point["failed"]
                    print(point["id"], point["failed"], flush=True)
                else:
                    done.append(point)
                    print(point["id"], self.said(point["result"]), flush=True)
                self._write(path, done, left)

    def _write(self, path, done, left):
        """Real code would raise on what is left too, unless the reason says that it is the recorder."""
        lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
        models = ",\n".join(f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in self.models.items())
        with open(path + ".part", "w") as file:
            file.write(
                f'{{"versions":{json.dumps(self.versions())},\n"models":{{\n{models}\n}},\n"points":[\n{lines}\n],\n"left":{json.dumps(left, indent=0)}}}\n'
            )
        os.replace(path + ".part", path)


# The recorder whose points run: a forked process has it, and nothing has to be sent there but the point.
RUNNING = []


def _recorded(point):
    recorder = RUNNING[0]
    try:
        return dict(point, result=recorder.run(point))
    except Exception as error:  # noqa: BLE001  (what cannot be run is said, and the rest goes on)
        return dict(point, failed=recorder.reason(point, error))


def _points_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return json.load(file)["points"]
