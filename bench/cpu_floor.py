#!/usr/bin/env python3
"""What a step of training must compute and move, and what share of that the CPU engine reaches.

    cpu_floor >machine.json;  cpu_steps CASE --json case.json
    bench/cpu_floor.py machine.json case.json...

The floor of a step is the larger of two times: its operations over the rate that a product of packed
panels reaches on all threads, and its bytes over the rate of a pass over w, m and v in place, at the
working set of the two wide layers (cpu_floor measures both). All is of the mean step of an epoch.

Operations: two a multiply-add, of live units only. A unit that ReLU leaves at zero for the whole batch
has no share in the layers behind it, in the gradients or in the Gram matrices. Which units live is not
known before a layer's forward pass: that counts all the units it makes from live ones.
  input layer    X W over the ratings, forward; its gradient, live units; where the engine takes batches
                 as dense, over all cells: that is its path then, and sparse sums run at no such rate
  middle         forward; backward; the gradients of its weights and biases
  output, gram   P = X W; G = H^T H, half, symmetric; H S; W G; X^T H; S = W^T W of the next step, half
  output, direct Y = H W^T; E W; E^T H
  output, rated  the outputs, the gradient by h and the gradient by W, of rated cells
Sparse products are counted at the same rate, which no gather reaches. Adam: ADAM_OPERATIONS of a
parameter that has a gradient; IDLE_OPERATIONS of one that has none and moves all the same: rows of the
input layer (of both wide layers, of rated cells) without a rating in the batch, which must be replayed
at some time. The first epoch's floor leaves the replays out: a row has none before its first rating.

Bytes: ADAM_BYTES a parameter, of the whole output layer (of rated cells: of the rows that occur), of the
input layer's rows that occur, and of the middle; eight a rating. Idle units' weights could wait, so an
engine that defers them moves less than this; activations, errors and Gram matrices stay in the cache.
"""
import json
import math
import pathlib
import sys

ADAM_BYTES = 24  # w, m and v read and written
ADAM_OPERATIONS = 16  # of one parameter's step, a division and a root counted as one each
IDLE_OPERATIONS = 8  # of one without a gradient


def pairs(values):
    return list(zip(values, values[1:]))


class Widths:
    """The network of a case by what cpu_steps says: all units and the live ones, by layer."""

    def __init__(self, units, live, bottleneck):
        half = len(units) // 2
        self.units = [*units[:half], bottleneck, *units[half:]]
        self.live = [*live[:half], bottleneck, *live[half:]]

    def middle_parameters(self):
        return sum((a + 1) * b for a, b in pairs(self.units))


def multiply_adds(case, widths):
    """{part: multiply-adds} of a step, Adam apart."""
    batch, ratings, columns = case["epoch"]["rows"], case["epoch"]["ratings"], case["columns"]
    first, last = widths.live[0], widths.live[-1]
    w = last + 1  # the output layer's bias is one more input
    made = pairs(widths.live)
    if case["path"] == "gram":
        output = (2 * ratings * w + batch * (w * w / 2 + w * last)
                  + columns * (w * w + w * w / 2))
    elif case["path"] == "direct":
        output = batch * columns * (w + last + w)
    else:
        output = ratings * (w + last + w)
    is_dense = "DenseRows" in case["first"].get("operations", {})
    inputs = batch * (columns + 1) if is_dense else ratings
    return {
        "input": inputs * (widths.units[0] + first),
        "middle": batch * (sum(a * b for a, b in zip(widths.live, widths.units[1:]))
                           + sum(a * b + (a + 1) * b for a, b in made)),
        "output": output,
    }


def adam_operations(case, widths, replays):
    columns, touched = case["columns"], case["epoch"]["touched"]
    first, w = widths.units[0], widths.units[-1] + 1
    idle = (columns - touched) * IDLE_OPERATIONS if replays else 0
    of_touched = touched * ADAM_OPERATIONS + idle
    if case["path"] == "rated":
        return first * of_touched + w * of_touched + widths.middle_parameters() * ADAM_OPERATIONS
    return first * of_touched + (columns * w + widths.middle_parameters()) * ADAM_OPERATIONS


def bytes_moved(case, widths):
    touched, w = case["epoch"]["touched"], widths.units[-1] + 1
    output_rows = touched if case["path"] == "rated" else case["columns"]
    parameters = (touched * widths.units[0] + output_rows * w + widths.middle_parameters())
    return parameters * ADAM_BYTES + 8 * case["epoch"]["ratings"]


def bandwidth(measured, mib):
    """GB/s at a working set, between the measured ones by the logarithm of their size."""
    below = [point for point in measured if point[0] <= mib]
    above = [point for point in measured if point[0] > mib]
    if not below or not above:
        return (below or above)[-1 if below else 0][1]
    (x0, y0), (x1, y1) = below[-1], above[0]
    return y0 + (y1 - y0) * math.log(mib / x0) / math.log(x1 / x0)


def floor(case, machine, when="later", bottleneck=64):
    """The floor of a step of `case` (cpu_steps' JSON) on `machine` (cpu_floor's), in its first epoch or
    in the later ones."""
    widths = Widths(case["units"], case[when]["live"], bottleneck)
    products = multiply_adds(case, widths)
    adam = adam_operations(case, widths, replays=when == "later")
    operations = 2 * sum(products.values()) + adam
    moved = bytes_moved(case, widths)
    working_set = case["columns"] * (widths.units[0] + widths.units[-1] + 1) * 12 / 2**20
    rates = machine["all"]
    by_operations = operations / (rates["gemm_gflop_per_s"] * 1e9)
    by_bytes = moved / (bandwidth(rates["update_gb_per_s"], working_set) * 1e9)
    steps = math.ceil(case["rows"] / case["batch"])
    return {"multiply_adds": products, "adam_operations": adam, "operations": operations,
            "bytes": moved, "working_set_mib": working_set, "by_operations_ms": 1e3 * by_operations,
            "by_bytes_ms": 1e3 * by_bytes, "step_ms": 1e3 * max(by_operations, by_bytes),
            "epoch_seconds": steps * max(by_operations, by_bytes)}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    machine = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("| case | path | MFLOP a step | MB | by operations, ms | by bytes, ms | floor of an epoch, s "
          "| measured, s | share |\n|---|---|---|---|---|---|---|---|---|")
    for path in sys.argv[2:]:
        case = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        later = case["epoch_seconds"][1:] or case["epoch_seconds"]
        measured = sorted(later)[len(later) // 2]
        f = floor(case, machine)
        print(f"| {case['case']} | {case['path']} | {f['operations'] / 1e6:.1f} | {f['bytes'] / 1e6:.1f} "
              f"| {f['by_operations_ms']:.3f} | {f['by_bytes_ms']:.3f} | {f['epoch_seconds']:.4f} "
              f"| {measured:.4f} | {100 * f['epoch_seconds'] / measured:.0f} % |")


if __name__ == "__main__":
    main()
