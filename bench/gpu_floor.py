#!/usr/bin/env python3
"""What a step of training must move and compute, and what that means in microseconds on a card.

    bench/gpu_floor.py [--json]     prints the page bench/results/gpu_floor.md
    bench/gpu_floor.py --check      fails where the committed page is another

A kernel's floor is the larger of two times: the bytes it cannot avoid moving through device memory,
each once, over the card's bandwidth; its operations over the card's fp32 rate. Both rates are the
data sheets' here; tools/gpu_check holds a measured step against the rates it has measured. What a
kernel reads again and the 40 to 72 MiB of second-level cache hold counts once. Launches, waits between
kernels and the shape of tiles are no part of it. All is of the mean step of an epoch, whose last batch
is smaller.
"""

import argparse
import json
import math
import pathlib
import sys

# GB/s of memory, fp32 TFLOP/s without tensor cores (a fused multiply-add is two operations).
# NVIDIA A100 Tensor Core GPU (80 GB SXM), H100 Tensor Core GPU (SXM) data sheets; Ada GPU
# architecture white paper for the GeForce RTX 4090.
CARDS = {"A100": (2039, 19.5), "H100": (3350, 67.0), "RTX 4090": (1008, 82.6)}

ADAM_BYTES = 24  # w, m and v read and written
ADAM_OPERATIONS = 16  # of one parameter's step, a division and a root counted as one each

BENCH = pathlib.Path(__file__).resolve().parent
PAGE = BENCH / "results" / "gpu_floor.md"
# What gpu_steps and gpu_pytorch measure too. "path": of the output layer.
CASES = json.loads((BENCH / "gpu_cases.json").read_text(encoding="utf-8"))["cases"]
HIDDEN, BOTTLENECK = (128, 64), 64


def middle_weights():
    """Parameters of the layers between the two wide ones, biases included."""
    widths = [*HIDDEN, BOTTLENECK, *reversed(HIDDEN)]
    return sum((a + 1) * b for a, b in zip(widths, widths[1:]))


def sizes(case):
    """What the mean step has to do with, as gpu_steps counts it (bench/step_sizes.h): the
    batch's rows and ratings, the columns that occur, and those of them that did not in the batch before.
    Expected values, ratings being drawn as gpu_cases.h says."""
    steps = math.ceil(case["rows"] / case["batch"])
    ratings = case["ratings"] / steps
    strata = 1000
    touched = caught_up = 0.0
    for stratum in range(strata):
        weight = 1.0
        if "popularity" in case:
            q = 1 / (math.sqrt(case["popularity"]) - 1)
            weight = q * (1 + q) / ((stratum + 0.5) / strata + q) ** 2
        occurs = 1 - math.exp(-ratings / case["columns"] * weight)
        touched += occurs * case["columns"] / strata
        caught_up += occurs * (1 - occurs) * case["columns"] / strata
    return {"rows": case["rows"] / steps, "ratings": ratings, "touched": touched,
            "caught_up": caught_up}


def kernels(case, of_step=None):
    """[(operation as timed_backend.h names it, what it does, bytes, operations)] of one step; of_step:
    its sizes, where they are known."""
    columns, objective, path = case["columns"], case["objective"], case["path"]
    of_step = of_step or sizes(case)
    batch, ratings, touched = of_step["rows"], of_step["ratings"], of_step["touched"]
    h = HIDDEN[0]
    w = h + 1  # the output layer's bias is one more input
    middle = middle_weights()
    batches = math.ceil(case["rows"] / case["batch"])
    sort_passes = math.ceil((columns.bit_length() + batches.bit_length()) / 8)

    step = [("TransposeBatches", "transposition (an epoch's, a step's share)",
             ratings * (12 + 20 + 24 * sort_passes + 48), 0)]

    def deferred(name):
        # A row is read when it is touched and was not touched by the step before, whose own it had
        # then taken. What it missed is arithmetic only: in the long run, every step it had no rating in.
        step.append(("CatchUpRows", f"catch-up of the {name} layer",
                     of_step["caught_up"] * h * ADAM_BYTES + touched * 12,
                     (columns - touched) * h * ADAM_OPERATIONS))

    deferred("input")
    if objective == "observed":
        deferred("output")
    # Rows of weights: just caught up, in the cache where they fit; counted once.
    step.append(("GatherRows, input", "input gather", touched * h * 4 + ratings * 8,
                 2 * ratings * h))
    step.append(("MiddleForward", "middle forward", middle * 4, 2 * batch * middle))
    if path == "gram":
        step.append(("GatherRows, output", "output gather (P = X W)",
                     touched * w * 4 + ratings * 8, 2 * ratings * w))
        step.append(("OutputGramLoss", "loss and gradient (G, Ha S - P)",
                     (4 * batch * w + 2 * w * w) * 4, 2 * batch * w * w + 2 * batch * w * w))
    elif path == "direct":
        cells = batch * columns
        step.append(("OutputForward", "outputs", (cells + columns * w) * 4, 2 * cells * w))
        step.append(("CellLoss", "errors and loss", 8 * cells + ratings * 8, 3 * cells))
        step.append(("OutputBackward", "gradient by h", (cells + columns * w) * 4, 2 * cells * w))
    else:
        step.append(("RatedLoss", "rated loss", touched * w * 4 + ratings * 12, 4 * ratings * w))
    step.append(("MiddleBackward", "middle backward", middle * 4, 2 * batch * middle))
    if path == "gram":
        step.append(("OutputGramUpdate", "output update, one pass",
                     columns * w * ADAM_BYTES + ratings * 20,
                     columns * (2 * w * w + w * (w + 1) + w * ADAM_OPERATIONS) + 2 * ratings * w))
    elif path == "direct":
        step.append(("OutputDirectUpdate", "output update",
                     columns * w * ADAM_BYTES + batch * columns * 4,
                     2 * batch * columns * w + columns * w * ADAM_OPERATIONS))
    else:
        step.append(("SparseAdam, output", "output update, touched rows",
                     touched * w * ADAM_BYTES + ratings * 20,
                     2 * ratings * w + touched * w * ADAM_OPERATIONS))
    step.append(("MiddleUpdate", "middle update", middle * ADAM_BYTES,
                 2 * batch * middle + middle * ADAM_OPERATIONS))
    step.append(("SparseAdam, input", "input update, touched rows",
                 touched * h * ADAM_BYTES + ratings * 20,
                 2 * ratings * h + touched * h * ADAM_OPERATIONS))
    return step


def microseconds(moved, operations, gb_per_s, tflop_per_s):
    return max(moved / (gb_per_s * 1e3), operations / (tflop_per_s * 1e6))


def floors():
    """{case: {"kernels": [...], "step_us": {card: us}, "epoch_ms": {card: ms}}}"""
    result = {}
    for case in CASES:
        lines = [{"kernel": kernel, "bytes": round(moved), "operations": round(operations),
                  "us": {card: microseconds(moved, operations, *rates)
                         for card, rates in CARDS.items()}}
                 for _, kernel, moved, operations in kernels(case)]
        step = {card: sum(line["us"][card] for line in lines) for card in CARDS}
        steps = math.ceil(case["rows"] / case["batch"])
        result[case["case"]] = {**case, "sizes": sizes(case), "kernels": lines, "step_us": step,
                                "epoch_ms": {card: us * steps / 1e3 for card, us in step.items()}}
    return result


def number(x):
    return f"{x:.1f}" if x < 100 else f"{x:.0f}"


def markdown(result):
    lines = ["# What a step must take on a GPU, on paper", "",
             f"By `bench/gpu_floor.py`: network N-{HIDDEN[0]}-{HIDDEN[1]}-{BOTTLENECK}-{HIDDEN[1]}-"
             f"{HIDDEN[0]}-N, fp32. Microseconds; m: bytes decide, c: operations do. The cases are "
             "`bench/gpu_cases.json`'s, which `tools/gpu_check` measures. \"goodbooks\" is the file of "
             "979,478 ratings: no row is longer than 100, and columns differ 60 times in popularity, as "
             "drawn. \"six million\" is the whole set that it is of, whose longest row has 22,806 "
             "ratings: there and in the widest matrix rows' lengths fall like a power of their rank.", ""]
    for name, case in result.items():
        density = case["ratings"] / (case["rows"] * case["columns"])
        path = {"rated": "rated cells only"}.get(case["path"], f"output path {case['path']}")
        rows = f", longest row {case['longest_row']:,}" if "longest_row" in case else ""
        lines += [f"## {name}: {case['rows']:,} x {case['columns']:,}, {100 * density:.4g} % rated, "
                  f"batch {case['batch']}, {path}", "",
                  f"{case['sizes']['ratings']:,.0f} ratings a step, of "
                  f"{case['sizes']['touched']:,.0f} columns{rows}.", "",
                  "| kernel | MB | MFLOP | " + " | ".join(CARDS) + " |",
                  "| --- | --- | --- |" + " --- |" * len(CARDS)]
        for line in case["kernels"]:
            times = []
            for card, (bandwidth, _) in CARDS.items():
                us = line["us"][card]
                by = "c" if us > line["bytes"] * 1.0001 / (bandwidth * 1e3) else "m"
                times.append(f"{number(us)} {by}")
            lines.append(f"| {line['kernel']} | {line['bytes'] / 1e6:.2f} | "
                         f"{line['operations'] / 1e6:.1f} | " + " | ".join(times) + " |")
        lines += ["| **a step** | | | " + " | ".join(number(case["step_us"][c]) for c in CARDS) + " |",
                  "| an epoch, ms | | | " + " | ".join(f"{case['epoch_ms'][c]:.2f}" for c in CARDS)
                  + " |", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        page = PAGE.read_text(encoding="utf-8")
        if page != markdown(floors()) + "\n":
            sys.exit(f"gpu_floor.py: {PAGE} is another page: bench/gpu_floor.py >{PAGE}")
    elif options.json:
        json.dump(floors(), sys.stdout, indent=1)
        print()
    else:
        print(markdown(floors()))


if __name__ == "__main__":
    main()
