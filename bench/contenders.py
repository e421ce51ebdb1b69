"""The two sides of bench/compare_pytorch as processes: how each is started, and what it took."""
import dataclasses
import glob
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
LOOPS = {  # the loops of pytorch_jobs.py that a way may take; the first ones where nothing is tried
    ("notebook", "all", "dense matrix"): ["notebook"],
    ("careful", "all", "dense matrix"): ["slices"],
    ("notebook", "all", "sparse matrix"): ["dense"],
    ("careful", "all", "sparse matrix"): ["bag"],
    ("notebook", "observed", "sparse matrix"): ["dense"],
    ("careful", "observed", "sparse matrix"): ["gather", "bag"],
}
TRIED_TWICE = 3  # of the settings, the best ones


def busy_seconds():
    """Of all cores, since the machine began."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Finished:
    seconds: float
    peak_mib: float
    others: float  # cores that other processes kept busy meanwhile
    out: str


def run(command, preload=None):
    environment = {name: value for name, value in os.environ.items()  # these slow PyTorch down
                   if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    environment["OPENBLAS_NUM_THREADS"] = "1"  # beside PyTorch's own threads more of them fight
    if preload:
        environment["LD_PRELOAD"] = preload
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        busy, began = busy_seconds(), time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (out, errors):
            file.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"{command} failed with {process.returncode}:\n{errors.read().decode()}")
        return Finished(seconds, usage.ru_maxrss / 1024, max(others, 0) / seconds, out.read().decode())


class Hourglass:
    def __init__(self, program, case, ratings):
        self.bottleneck = case.get("bottleneck", 64)
        self.command = [program, "train", ratings, "--batch-size", str(case["batch"]), "--objective",
                        case["objective"], "--bottleneck", str(self.bottleneck), "--epochs",
                        str(case["epochs"]), "--patience", "1000000", "--device", "cpu",
                        "--checkpoint-every", "1000000", "--quiet"]
        if ratings == "synthetic":
            self.command += ["--rows", str(case["rows"]), "--columns", str(case["columns"])]

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run([*self.command, "--output", f"{folder}/run"])
            log = pathlib.Path(folder, f"run/k={self.bottleneck}", "log.jsonl").read_text(encoding="utf-8")
        epochs = [json.loads(line)["seconds"] for line in log.splitlines()]
        return {"first": epochs[0], "later": statistics.median(epochs[1:] or epochs),
                "outside": done.seconds - sum(epochs), "process": done.seconds,
                "peak_mib": done.peak_mib, "others": done.others}


def allocators():
    """{name: library to preload, or None}"""
    found = {"malloc": None}
    for path in sorted(glob.glob("/usr/lib/*/libtcmalloc_minimal.so.4")):
        found["tcmalloc"] = path
    return found


class PyTorch:
    """A way of writing the training in PyTorch, and after choose() its best setting."""

    def __init__(self, python, case, ratings, way):
        self.python, self.case = python, case
        self.job = {"ratings": str(ratings), "objective": case["objective"], "batch": case["batch"]}
        kind = "dense matrix" if case["ratings"] == "synthetic" else "sparse matrix"
        self.loops = LOOPS[way, case["objective"], kind]
        self.setting = {"loop": self.loops[0], "optimizer": "flat" if way == "careful" else "adam",
                        "threads": 1, "allocator": "malloc"}
        self.trials = []

    def started(self, setting, **length):
        job = {**self.job, "loop": setting["loop"], "optimizer": setting["optimizer"],
               "threads": setting["threads"], **length}
        done = run([self.python, BENCH / "pytorch_jobs.py", json.dumps(job)],
                   allocators()[setting["allocator"]])
        return done, json.loads(done.out)

    def choose(self, optimizers, threads):
        """Takes the setting whose steps are fastest in a short trial, the best few tried twice."""
        steps = min(self.case.get("steps", 80), 30)

        def tried(setting):
            _, result = self.started(setting, steps=steps)
            # The quarter that is fastest: neighbours only slow a trial down, which is short.
            return statistics.quantiles(result["steps"][steps // 3:], n=4)[0]

        for values in itertools.product(self.loops, optimizers, threads, allocators()):
            setting = dict(zip(("loop", "optimizer", "threads", "allocator"), values))
            self.trials.append({**setting, "step_ms": 1e3 * tried(setting)})
        self.trials.sort(key=lambda trial: trial["step_ms"])
        for trial in self.trials[:TRIED_TWICE]:
            trial["step_ms"] = min(trial["step_ms"], 1e3 * tried(trial))
        self.trials.sort(key=lambda trial: trial["step_ms"])
        self.setting = {name: self.trials[0][name] for name in self.setting}

    def run(self):
        """Whole epochs, or of a long case some steps: its epochs are all the same."""
        if "steps" in self.case:
            done, result = self.started(self.setting, steps=self.case["steps"])
            steady = result["steps"][self.case["steps"] // 3:]
            epoch = statistics.median(steady) * result["of_epoch"]
        else:
            done, result = self.started(self.setting, epochs=self.case["epochs"])
            epoch = statistics.median(result["epochs"])
        return {"epoch": epoch, "outside": done.seconds - sum(result["steps"]), "process": done.seconds,
                "peak_mib": done.peak_mib, "others": done.others, "torch": result["torch"]}


def whole_tensor(python, case, ratings, rows, columns):
    """Peak memory of the notebook's loop over the whole dense tensor, or that tensor's size where the
    machine has no room for it."""
    size = rows * columns * 4 / 2**20
    available = next(int(line.split()[1]) for line in
                     pathlib.Path("/proc/meminfo").read_text().splitlines()
                     if line.startswith("MemAvailable")) / 1024
    if size * 1.5 > available:
        return {"peak_mib": size, "measured": False}
    way = PyTorch(python, case, ratings, "notebook")
    done, _ = way.started({**way.setting, "loop": "notebook"}, steps=2)
    return {"peak_mib": done.peak_mib, "measured": True}
