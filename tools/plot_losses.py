#!/usr/bin/env python3
"""Draws the losses of runs as SVG: tools/plot_losses.py OUTPUT.svg NAME=losses.csv..."""
import csv
import math
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 320, 62, 44, 16, 120
COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")


def ticks(low, high, n=6):
    """Multiples of 1, 2 or 5 times a power of ten in [low, high], at most n + 1."""
    least = (high - low) / n
    power = 10.0 ** math.floor(math.log10(least))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= least)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def main(output, *series):
    curves = []
    for one in series:
        name, _, path = one.partition("=")
        with open(path, newline="") as file:
            curves.append((name, [(int(r["epochs"]), float(r["losses"])) for r in csv.DictReader(file)]))
    xs = [x for _, curve in curves for x, _ in curve]
    ys = [y for _, curve in curves for _, y in curve]
    margin = 0.05 * (max(ys) - min(ys)) or 1
    x_range, y_range = (min(xs), max(max(xs), min(xs) + 1)), (min(ys) - margin, max(ys) + margin)

    def place(x, y):
        return (LEFT + (x - x_range[0]) / (x_range[1] - x_range[0]) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (y - y_range[0]) / (y_range[1] - y_range[0]) * (HEIGHT - BOTTOM - TOP))

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for y in ticks(*y_range):
        _, v = place(x_range[0], y)
        svg.append(f'<path d="M{LEFT} {v:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{v + 4:.1f}" text-anchor="end" fill="#333">{y:.6g}</text>')
    for x in ticks(*x_range):
        if x == int(x):
            u, _ = place(x, y_range[0])
            svg.append(f'<text x="{u:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
                       f'fill="#333">{int(x)}</text>')
    svg.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle" '
               'fill="#333">epoch</text>'
               f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle" '
               'fill="#333">mean squared error</text>')
    for i, (name, curve) in enumerate(curves):
        points = [place(x, y) for x, y in curve]
        line = "L".join(f"{u:.1f} {v:.1f}" for u, v in points)
        colour = COLOURS[i % len(COLOURS)]
        u, v = points[-1]
        svg.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{u + 6:.1f}" y="{v + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    svg.append("</svg>")
    with open(output, "w") as file:
        file.write("\n".join(svg) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
