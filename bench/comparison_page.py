#!/usr/bin/env python3
"""The tables of bench/compare_pytorch, in Markdown: comparison_page.py RESULT.json"""
import json
import pathlib
import statistics
import sys

WAYS = {"notebook": "the notebook's way", "careful": "careful"}


def median(rounds, contender, what):
    return statistics.median(r[contender][what] for r in rounds)


def ratio(rounds, way, theirs, ours):
    """Of each round; the median."""
    return statistics.median(r[way][theirs] / r["hourglass"][ours] for r in rounds)


def seconds(x):
    return f"{x:.3f}" if x < 1 else f"{x:.2f}" if x < 10 else f"{x:.1f}"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def described(name, of_case):
    case, steps = of_case["case"], of_case["steps"]
    cells = "rated cells" if case["objective"] == "observed" else "all cells"
    return (f"{name}: {steps['rows']:,} x {steps['columns']:,}, {steps['ratings']:,} ratings, {cells}, "
            f"batch {case['batch']}")


def times(result):
    lines = ["| case | hourglass, s an epoch: first, later | PyTorch, the notebook's way "
             "| PyTorch, careful | notebook's / hourglass: first, later | careful / hourglass: first, later "
             "| share of the floor: first, later |",
             "|---|---|---|---|---|---|---|"]
    for name, of_case in result["cases"].items():
        rounds = of_case["rounds"]
        ours = {when: median(rounds, "hourglass", when) for when in ("first", "later")}
        ratios = [", ".join(f"{ratio(rounds, way, 'epoch', when):.1f} x" for when in ours) for way in WAYS]
        shares = [100 * of_case["floor"][when]["epoch_seconds"] / ours[when] for when in ours]
        lines.append(row(name, ", ".join(seconds(x) for x in ours.values()),
                         *(seconds(median(rounds, way, "epoch")) for way in WAYS), *ratios,
                         ", ".join(f"{share:.0f} %" for share in shares)))
    return lines


def processes(result):
    lines = ["| case | peak MiB: hourglass | notebook's way | careful | whole dense tensor "
             "| notebook's / hourglass | careful / hourglass | tensor / hourglass "
             "| outside the epochs, s: hourglass | notebook's way | careful |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, of_case in result["cases"].items():
        rounds = of_case["rounds"]
        tensor = of_case.get("whole_tensor")
        ours = median(rounds, "hourglass", "peak_mib")
        lines.append(row(
            name, f"{ours:.0f}", *(f"{median(rounds, way, 'peak_mib'):.0f}" for way in WAYS),
            f"{tensor['peak_mib']:.0f}{'' if tensor['measured'] else ' (its size)'}" if tensor else "-",
            *(f"{ratio(rounds, way, 'peak_mib', 'peak_mib'):.1f} x" for way in WAYS),
            f"{tensor['peak_mib'] / ours:.1f} x" if tensor else "-",
            *(seconds(median(rounds, contender, "outside")) for contender in ("hourglass", *WAYS))))
    return lines


def whole_processes(result):
    lines = []
    for name, of_case in result["cases"].items():
        if "steps" in of_case["case"]:
            continue
        rounds = of_case["rounds"]
        parts = [f"hourglass {seconds(median(rounds, 'hourglass', 'process'))} s"]
        for way, title in WAYS.items():
            parts.append(f"{title} {seconds(median(rounds, way, 'process'))} s "
                         f"({ratio(rounds, way, 'process', 'process'):.1f} x)")
        lines.append(f"{name}, the whole process, {of_case['case']['epochs']} epochs: "
                     + ", ".join(parts) + ".\n")
    return lines


def settings(result):
    lines = ["| case | way | loop | optimizer | threads | allocator | the next best |",
             "|---|---|---|---|---|---|---|"]
    for name, of_case in result["cases"].items():
        for way, title in WAYS.items():
            chosen, trials = of_case["settings"][way], of_case["trials"][way]
            others = [f"{trial['loop']} {trial['optimizer']} {trial['threads']} {trial['allocator']}: "
                      f"{trial['step_ms'] / trials[0]['step_ms']:.2f} x" for trial in trials[1:3]]
            lines.append(row(name, title, *chosen.values(), "; ".join(others) or "not tried"))
    return lines


def floors(result):
    lines = ["| case | path | live units of ReLU layers, later | MFLOP a step | MB a step "
             "| by operations, ms | by bytes, ms |", "|---|---|---|---|---|---|---|"]
    for name, of_case in result["cases"].items():
        steps, floor = of_case["steps"], of_case["floor"]["later"]
        live = ", ".join(f"{units:.0f} of {of}" for units, of in zip(steps["later"]["live"],
                                                                   steps["units"]))
        lines.append(row(name, steps["path"], live, f"{floor['operations'] / 1e6:.1f}",
                         f"{floor['bytes'] / 1e6:.1f}", f"{floor['by_operations_ms']:.3f}",
                         f"{floor['by_bytes_ms']:.3f}"))
    return lines


def machine_line(result):
    rates = {threads: result["machine"][threads] for threads in ("one", "all")}
    told = [f"{rate['threads']} thread{'s' * (rate['threads'] > 1)}: products "
            f"{rate['gemm_gflop_per_s']:.0f} GFLOP/s, passes over memory "
            f"{rate['update_gb_per_s'][-1][1]:.0f} GB/s" for rate in rates.values()]
    return f"This machine ({result['machine']['simd']}), by cpu_floor: " + "; ".join(told) + "."


def busiest(result):
    return max((r[contender]["others"] for of_case in result["cases"].values()
                for r in of_case["rounds"] for contender in r), default=0)


def markdown(result):
    device = next((of_case["steps"]["device"] for of_case in result["cases"].values()), "")
    lines = [f"Hourglass on the CPU ({device}) and PyTorch {result['torch']}, paired: medians of "
             f"{result['repeats']} rounds, ratios of each round's."]
    if result["quick"]:
        lines += ["", "**A quick run: no figures to quote.**"]
    lines += ["", *(f"- {described(name, of_case)}" for name, of_case in result["cases"].items()), "",
              *times(result), "",
              "PyTorch's epochs are alike, so one figure stands for first and later ones; of all cases but "
              "the notebook's it is the median step times the steps of an epoch. Hourglass writes no "
              "checkpoint here, since PyTorch writes none.", "",
              *whole_processes(result),
              "Memory is the process's peak. PyTorch reads CSR from a binary file, hourglass the text. "
              "Outside the epochs: start, data and, of hourglass, the model's file.", "",
              *processes(result), "",
              "PyTorch's settings, the fastest in a trial (OpenBLAS's own threads: 1):", "",
              *settings(result), "",
              "The floor (`bench/cpu_floor.py`), of the mean step of later epochs. " + machine_line(result),
              "", *floors(result), "",
              f"Other processes kept {busiest(result):.2f} cores busy at most while a contender ran."]
    return "\n".join(lines)


def main():
    print(markdown(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
