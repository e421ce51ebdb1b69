"""The page that tools/gpu_check writes of a run on a card: what passed, and every measured operation and
step beside what it must take (bench/gpu_floor.py) at the rates that were measured on the card."""
import gpu_floor


def beside_floor(case, ceilings):
    """A measured case's operations and steps, each with its floor. Operations have the floor of the steps
    in which they were timed, steps that of an epoch's mean step."""
    copy, products = ceilings["copy_gb_per_s"], ceilings["gemm_fp32_tflop_per_s"]

    def floors(sizes):
        found = {}
        for name, _, moved, operations in gpu_floor.kernels(case, sizes):
            of_one = found.setdefault(name, {"bytes": 0, "operations": 0, "floor_us": 0.0, "by": "copy"})
            of_one["bytes"] += moved
            of_one["operations"] += operations
            of_one["floor_us"] += gpu_floor.microseconds(moved, operations, copy, products)
            if of_one["floor_us"] > of_one["bytes"] / (copy * 1e3) * 1.0001:
                of_one["by"] = "products"
        return found

    of_epoch, of_timed = floors(case["epoch"]), floors(case["timed"])
    of_timed["TransposeBatches"] = of_epoch["TransposeBatches"]
    operations = {}
    for name, timed in case["operations"].items():
        us = timed["us"] * timed["per_step"]
        operations[name] = {"us": us, "per_step": timed["per_step"], **of_timed[name]}
    return {"operations": operations, "one_by_one_us": sum(o["us"] for o in operations.values()),
            "floor_us": sum(o["floor_us"] for o in of_epoch.values())}


def percent(floor, measured):
    return f"{100 * floor / measured:.0f} %" if measured > 0 else ""


def case_lines(case, ceilings):
    beside = beside_floor(case, ceilings)
    path = "rated cells only" if case["path"] == "rated" else (
        f"output path {case['path']} (--output-path auto takes {case['auto_path']})")
    lines = [f"### {case['case']}: {case['rows']:,} x {case['columns']:,}, batch {case['batch']}, {path}",
             "", f"{case['epoch']['ratings']:,.0f} ratings a step, of {case['epoch']['touched']:,.0f} "
             f"columns; the longest row has {case['longest_row']:,}. {case['steps_of_epoch']:,} steps an "
             "epoch.", "",
             "| operation | runs a step | us | MB | MFLOP | floor, us | decided by | floor / us |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, of_one in sorted(beside["operations"].items(), key=lambda item: -item[1]["us"]):
        lines.append(f"| {name} | {of_one['per_step']:.3g} | {of_one['us']:.1f} | "
                     f"{of_one['bytes'] / 1e6:.2f} | {of_one['operations'] / 1e6:.1f} | "
                     f"{of_one['floor_us']:.1f} | {of_one['by']} | "
                     f"{percent(of_one['floor_us'], of_one['us'])} |")
    floor = beside["floor_us"]
    for name, us in (("all, one by one", beside["one_by_one_us"]), ("a step, CUDA graph", case["step_us"]),
                     ("a step, single launches", case["step_us_without_graphs"])):
        lines.append(f"| {name} | | {us:.1f} | | | {floor:.1f} | | {percent(floor, us)} |")
    lines += ["", f"Of a step, the host's shuffling of the epoch's rows: {case['order_us']:.1f} us."]
    update = beside["operations"].get("OutputGramUpdate")
    if update and update["us"] > 0:
        rate = update["bytes"] / (update["us"] * 1e3)
        lines.append(f"OutputGramUpdate, the one pass: {rate:.0f} GB/s, "
                     f"{percent(rate, ceilings['copy_gb_per_s'])} of the card's copy bandwidth "
                     "(goal: 80 %).")
    return [*lines, ""]


def steps_lines(steps):
    ceilings = steps["ceilings"]
    lines = ["## Operations and steps", "",
             f"Measured ceilings: copy {ceilings['copy_gb_per_s']:.0f} GB/s; products "
             + ", ".join(f"{math} {ceilings[f'gemm_{math}_tflop_per_s']:.1f} TFLOP/s"
                         for math in ("fp32", "tf32", "bf16")) + ".", "",
             "Microseconds, of a step. Operations alone, by events, their operands not in the cache, in the "
             "first steps of some epochs. Steps: whole epochs as the trainer makes them, the shuffling of "
             "their rows and their transposition included, over their steps, the last of which is "
             "smaller. Floor: the bytes and operations that the case, as it was measured, cannot avoid, at "
             "the measured rates of copies and of fp32 products, whichever takes longer. Matrices are drawn "
             "as `bench/gpu_cases.h` says: rows' lengths fall like a power of their rank from the longest "
             "that `bench/gpu_cases.json` tells, and columns differ in popularity; the test matrix is "
             "`hourglass generate`'s.", ""]
    for case in steps["cases"]:
        lines += case_lines(case, ceilings)
    return lines


def pytorch_lines(pytorch, steps):
    lines = [f"## Beside PyTorch {pytorch['torch']}", "",
             "Its tuned loop leaves the last, smaller batch out, and has no skew: its batches are dense.",
             "", "| case | output path | hourglass, us a step | tuned PyTorch | ratio | the notebook's loop "
             "| ratio |", "| --- | --- | --- | --- | --- | --- | --- |"]
    ours = {case["case"]: case for case in (steps or {"cases": []})["cases"]}
    for shape in pytorch["shapes"]:
        for name in shape["cases"]:
            tuned, notebook = shape["tuned_us"], shape["notebook_us"]
            if name in ours:
                us, path = ours[name]["step_us"], ours[name]["path"]
                lines.append(f"| {name} | {path} | {us:.1f} | {tuned:.1f} | {tuned / us:.2f} | "
                             f"{notebook:.1f} | {notebook / us:.2f} |")
            else:
                lines.append(f"| {name} | | not measured | {tuned:.1f} | | {notebook:.1f} | |")
    return [*lines, ""]


def markdown(result):
    lines = [f"# The CUDA engine on {result['card']}", "",
             f"By `tools/gpu_check`, {result['date']}, commit {result['commit']}, driver "
             f"{result['driver']}, {result['seconds']:.0f} s.", "",
             "| part | outcome | s | |", "| --- | --- | --- | --- |"]
    for part in result["parts"]:
        note = part.get("why", "")
        if "tests" in part:
            note = f"{part['tests']} tests passed"
        if "worst_relative_difference" in part:
            note = f"losses within {part['worst_relative_difference']:.2g} of the CPU's"
        lines.append(f"| {part['part']} | {part['outcome']} | {part['seconds']:.1f} | {note} |")
    lines.append("")
    if result.get("steps"):
        lines += steps_lines(result["steps"])
    if result.get("pytorch"):
        lines += pytorch_lines(result["pytorch"], result.get("steps"))
    for part in result["parts"]:
        if "tail" in part:
            lines += [f"## {part['part']} failed", "", "```", *part["tail"], "```", ""]
    return "\n".join(lines)
