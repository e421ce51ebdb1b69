"""hourglass as a process, with faults in its system calls where they are wanted (interposer.c)."""
import argparse
import collections
import dataclasses
import errno
import os
import pathlib
import random
import signal
import subprocess

Outcome = collections.namedtuple("Outcome", "code out err")  # code: -N where signal N ended it
Call = collections.namedtuple("Call", "n name path to result error")

MINUTES_AT_MOST = 5  # that one call of the program takes: what is longer hangs


@dataclasses.dataclass
class Faults:
    """What interposer.c does to calls on files in `folder`; its head says what each word means."""
    folder: pathlib.Path
    log: pathlib.Path = None
    calls: str = None
    at: int = None
    sticky: bool = None
    errno: int = None
    short: bool = None
    signal: int = None
    when: str = None
    clock: str = None
    steady: bool = None

    def environment(self):
        words = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                words["FAULTS_" + field.name.upper()] = (
                    os.fsencode(value) if isinstance(value, (str, pathlib.Path)) else str(int(value)))
        return words

    def __str__(self):
        words = [f"{field.name}={getattr(self, field.name)}" for field in dataclasses.fields(self)
                 if field.name not in ("folder", "log") and getattr(self, field.name) is not None]
        return " ".join(words).replace(f"errno={self.errno}",
                                       f"errno={errno.errorcode.get(self.errno, self.errno)}")


def read_log(path):
    """The calls that interposer.c has written down."""
    calls = []
    if path.exists():
        for line in os.fsdecode(path.read_bytes()).splitlines():
            n, name, at, to, result, error = line.split("\t")
            calls.append(Call(int(n), name, at, to, int(result), int(error)))
    return calls


class Program:
    def __init__(self, path, interposer=None):
        self.path = pathlib.Path(path).resolve()
        # src/cli/hourglass of a build; the interposer is built beside the tests.
        self.interposer = pathlib.Path(
            interposer or self.path.parents[2] / "tests" / "faults" / "libinterposer.so").resolve()
        for file in (self.path, self.interposer):
            if not file.exists():
                raise SystemExit(f"{file}: is missing; build it (targets hourglass and interposer)")
        # Its heap keeps what was freed, and its runtime wants to be loaded first.
        content = self.path.read_bytes()
        self.sanitized = b"__asan_init" in content or b"__tsan_init" in content

    def environment(self, faults=None, changes=None):
        environment = {os.fsencode(key): os.fsencode(value) for key, value in os.environ.items()}
        if faults is not None:
            environment[b"LD_PRELOAD"] = os.fsencode(self.interposer)
            options = os.environ.get("ASAN_OPTIONS", "")
            environment[b"ASAN_OPTIONS"] = os.fsencode(options + ":verify_asan_link_order=0")
            for key, value in faults.environment().items():
                environment[os.fsencode(key)] = value
        for key, value in (changes or {}).items():
            environment.pop(os.fsencode(key), None)
            if value is not None:
                environment[os.fsencode(key)] = os.fsencode(value)
        return environment

    def start(self, arguments, faults=None, changes=None, **files):
        """A running hourglass; stdout and stderr are pipes where `files` does not say otherwise."""
        files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                 **files}
        return subprocess.Popen([self.path, *arguments], env=self.environment(faults, changes), **files)

    def run(self, arguments, faults=None, changes=None, **files):
        """The Outcome of hourglass with these arguments."""
        process = self.start(arguments, faults, changes, **files)
        return finish(process)


def finish(process):
    try:
        out, err = process.communicate(timeout=60 * MINUTES_AT_MOST)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return Outcome(None, text(out), f"it hung: no end in {MINUTES_AT_MOST} minutes\n{text(err)}")
    return Outcome(process.returncode, text(out), text(err))


def text(output):
    return os.fsdecode(output or b"")


def failed_in_one_line(outcome):
    """Why it is not exit 1 with one line that begins `hourglass: error: `, after warnings if any; None
    where it is."""
    if outcome.code != 1:
        return f"exit {outcome.code}, not 1: {outcome.err[-2000:]}"
    err = outcome.err
    while err.startswith("warning: "):
        err = err.partition("\n")[2]
    if not err.startswith("hourglass: error: ") or not err.endswith("\n"):
        return f"no error line: {err[-2000:]!r}"
    if err.count("\n") != 1:
        return f"more than one line: {err[-2000:]!r}"
    return None


def write_ratings(path, rows=80, columns=30, seed=7, share=0.3):
    """A long file of ratings 1 to 5, the same for the same arguments; its columns have the ids of
    synthetic ones."""
    chance = random.Random(seed)
    with open(path, "w", encoding="ascii") as file:
        file.write("row,column,value\n")
        for row in range(rows):
            for column in range(columns):
                if chance.random() < share:
                    file.write(f"r{row},{column},{chance.randint(1, 5)}\n")


def arguments_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("program", help="the built hourglass")
    parser.add_argument("--interposer", help="libinterposer.so; default: that of the program's build")
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance (default: 1)")
    return parser


def reset_signals():
    """In a child: as a shell starts it, whatever we inherited."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
