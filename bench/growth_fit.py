"""Fits of bench/growth: powers of one size, and sums of terms that are linear in several."""
import math
import statistics

# What an epoch and the memory are made of, by DESIGN section 3: nothing grows with rows x columns.
TIME_TERMS = {
    "ratings": lambda p: p["ratings"],
    "columns x steps": lambda p: p["columns"] * p["steps"],
    "steps": lambda p: p["steps"],
    "rows": lambda p: p["rows"],
}
MEMORY_TERMS = {
    "ratings": lambda p: p["ratings"],
    "columns": lambda p: p["columns"],
    "batch": lambda p: p["batch"],
    "": lambda p: 1,
}


def exponent(sizes, values):
    """The slope of the line through the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    return (sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
            / sum((a - mean_x) ** 2 for a in x))


def upper_decade(sizes, values):
    """The sizes from a tenth of the greatest on, two at least."""
    n = max(2, sum(size >= 0.099 * max(sizes) for size in sizes))
    return sizes[-n:], values[-n:]


def solve(matrix, right):
    """Gauss's elimination with pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right)]
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i and rows[i][i] != 0:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [row[-1] / row[i] if row[i] != 0 else 0.0 for i, row in enumerate(rows)]


def linear(points, what, terms):
    """Coefficients that make the relative errors' squares least; none is negative: a term whose would be
    is left out."""
    names = list(terms)
    while True:
        scale = {name: max(terms[name](point) for point in points) for name in names}
        rows = [[terms[name](point) / scale[name] / point[what] for name in names] for point in points]
        normal = [[sum(row[i] * row[j] for row in rows) for j in range(len(names))]
                  for i in range(len(names))]
        found = solve(normal, [sum(row[i] for row in rows) for i in range(len(names))])
        if len(names) == 1 or min(found) >= 0:
            break
        names.pop(found.index(min(found)))
    errors = [abs(sum(a * b for a, b in zip(row, found)) - 1) for row in rows]
    return {"coefficients": {name: value / scale[name] for name, value in zip(names, found)},
            "median_error": statistics.median(errors), "worst_error": max(errors)}
