#!/usr/bin/env python3
"""The figure of bench/growth: growth_figure.py growth.json growth.svg"""
import json
import pathlib
import sys

import matplotlib

sys.dont_write_bytecode = True
matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import growth_fit  # noqa: E402

ROWS = (("seconds", "seconds an epoch", "#0072b2"), ("peak_mib", "peak memory, MiB", "#d55e00"))


def main():
    axes = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["axes"]
    pyplot.rcParams.update({"font.size": 8, "svg.hashsalt": "growth", "svg.fonttype": "none",
                            "axes.spines.top": False,
                            "axes.spines.right": False})
    figure, panels = pyplot.subplots(2, len(axes), sharey="row", sharex="col", squeeze=False,
                                     figsize=(2.2 * len(axes), 4.4), layout="constrained")
    for column, (title, points) in enumerate(axes.items()):
        sizes = [point["bottleneck" if title == "K" else title] for point in points]
        for row, (what, label, colour) in enumerate(ROWS):
            panel, values = panels[row][column], [point[what] for point in points]
            panel.loglog(sizes, values, "o-", color=colour, markersize=3, linewidth=1)
            upper = growth_fit.exponent(*growth_fit.upper_decade(sizes, values))
            panel.set_title(f"upper decade: exponent {upper:.2f}", fontsize=7, color="#57606a")
            panel.minorticks_off()
            panel.grid(True, which="major", linewidth=0.4, color="#e3e6ea")
            if column == 0:
                panel.set_ylabel(label)
            if row == 1:
                panel.set_xlabel(title)
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
