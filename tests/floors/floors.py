#!/usr/bin/env python3
"""Holds the tree to its floors (DESIGN section 1): floors.py [ROOT]. Prints FILE:LINE: fault.

The compiler cannot: all public headers lie in one folder, and all others in another.
"""

import os
import re
import sys

# What each room may include, besides itself. Backends are siblings that never see each other; the
# recommender's rooms stand in a row, data < model < train < evaluate, and see neither a backend nor
# devices. Nor does analysis, which stands beside model. CUDA's is a module that devices opens and
# nobody includes.
ENGINE = {"core", "ops"}
BACKENDS = {"reference", "cpu"}
MAY_INCLUDE = {
    "core": set(),
    "ops": {"core"},
    "reference": ENGINE,
    "cpu": ENGINE,
    "cuda": ENGINE,
    "devices": ENGINE | BACKENDS,
    "data": ENGINE,
    "analysis": ENGINE | {"data"},
    "model": ENGINE | {"data"},
    "train": ENGINE | {"data", "model"},
    "evaluate": ENGINE | {"data", "model", "train"},
    "report": ENGINE | {"data", "train"},
    "cli": ENGINE | {"devices", "data", "analysis", "model", "train", "evaluate", "report"},
}

# A header in src/ is its room's own; another room sees include/. But for what no user may see, yet
# the room's neighbours need: the guard against denormals, and the backends' classes.
MAY_INCLUDE_INTERNAL = {
    "reference": {"core"},
    "cpu": {"core"},
    "cuda": {"core"},
    "devices": BACKENDS,
}

# And include/.
NO_CUDA_CONDITIONS = {"devices", "data", "analysis", "model", "train", "evaluate", "cli"}
SOURCE = (".h", ".cc", ".cu", ".cuh", ".cpp", ".hpp", ".inc")
INCLUDE = re.compile(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")
CONDITION = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|elif|elifdef|elifndef)\b(.*)")
CUDA_WORD = re.compile(r"cuda|nvcc|cublas|curand|gpu", re.IGNORECASE)
CUDA_HEADER = re.compile(r"(cuda|cublas|curand|nvml|nvtx|cub/|thrust/|cooperative_groups)")
FORBIDDEN_NAMES = {"util", "utils", "utility", "utilities", "common", "misc", "miscellaneous"}
NAMED_FOLDERS = ("include", "src", "kernels", "tests", "bench", "tools")


def walk(root, folder):
    """Paths of the files below root/folder, relative to root, in order."""
    paths = []
    for place, folders, files in os.walk(os.path.join(root, folder)):
        folders[:] = [f for f in folders if not f.startswith((".", "__"))]
        paths += [os.path.relpath(os.path.join(place, f), root) for f in files]
    return sorted(paths)


def room_of(path):
    """The room that a file of include/, src/ or kernels/ lies in; None where it is in none."""
    parts = path.split("/")
    if parts[0] == "kernels":
        return "cuda"  # the device's side of the same backend
    inside = parts[2:] if parts[:2] == ["include", "hourglass"] else parts[1:]
    return inside[0] if len(inside) > 1 else None


def lines_of(path):
    """(number, line), a line that ends in a backslash joined with the next."""
    with open(path, encoding="utf-8") as file:
        joined, start = "", 0
        for number, line in enumerate(file, 1):
            start = start or number
            joined += line.rstrip("\n")
            if joined.endswith("\\"):
                joined = joined[:-1] + " "
                continue
            yield start, joined
            joined, start = "", 0


def include_fault(path, room, quote, target):
    """What is wrong with room's including target; None where nothing is."""
    parts = target.split("/")
    public = parts[0] == "hourglass"
    other = parts[1] if public and len(parts) > 2 else parts[0]
    if other == "kernels":
        other = "cuda"
    if other == "emulator" and path == "kernels/device.cuh":
        return None  # what stands for the card, in the tests
    if other not in MAY_INCLUDE:
        if public or quote == '"' or ".." in parts:
            return f'"{target}" names no room'
        if room != "cuda" and CUDA_HEADER.match(target):
            return f"<{target}> is CUDA's: only src/cuda and kernels/ may know it"
        return None
    if not public and len(parts) == 1:  # <data>, say, would be a system's
        return None
    if path.startswith("include/") and not public:
        return f'include/ may not include "{target}" from src/'
    if other == room:
        return None
    if other not in MAY_INCLUDE[room]:
        return f'{room} may not include "{target}": {other} is not below it'
    if not public and other not in MAY_INCLUDE_INTERNAL.get(room, set()):
        return f'{room} may not include "{target}": it is {other}\'s own, not in include/'
    return None


def file_faults(root, path):
    room = room_of(path)
    if room not in MAY_INCLUDE:
        yield f"{path}:1: {room or 'this'} is no room: give it a floor in tests/floors/floors.py"
        return
    for number, line in lines_of(os.path.join(root, path)):
        include = INCLUDE.match(line)
        fault = include_fault(path, room, *include.groups()) if include else None
        if fault:
            yield f"{path}:{number}: {fault}"
        condition = CONDITION.match(line)
        asks = condition and CUDA_WORD.search(condition.group(1))
        if asks and (path.startswith("include/") or room in NO_CUDA_CONDITIONS):
            yield f"{path}:{number}: a condition about CUDA: only backends may have one"


def name_faults(root):
    for folder in NAMED_FOLDERS:
        for path in walk(root, folder):
            words = FORBIDDEN_NAMES.intersection(re.split(r"[/._-]", path.lower()))
            if words:
                yield f"{path}:1: no file is named {words.pop()}: name it by what it holds"


def faults(root):
    """(what is wrong, how many files were looked at)"""
    paths = [p for f in ("include", "src", "kernels") for p in walk(root, f) if p.endswith(SOURCE)]
    found = [fault for path in paths for fault in file_faults(root, path)]
    return found + list(name_faults(root)), len(paths)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../..")
    found, n_files = faults(root)
    print("\n".join(found + [f"{n_files} files, {len(found)} faults"]))
    return 1 if found or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
