#!/usr/bin/env python3
"""Writes tests/golden/*.safetensors: PyTorch's own trajectories, to hold Hourglass to.

  tools/make_goldens.py [--only CASE ...]  write every case, print its figures
  tools/make_goldens.py --check            make them again elsewhere, compare with the files here
  tools/make_goldens.py --find-seed CASE   the first seeds at which the case is well conditioned

The format, what each number means and why the yardstick is what it is: tests/golden/README.md.
Ratings and initial weights come from numpy's RandomState, whose stream is frozen, so that every
version of PyTorch starts from the same bits.
"""
import argparse
import dataclasses
import itertools
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch

from golden_training import LEARNING_RATE, STEPS, Case, Evaluation, train
from pytorch_run import Autoencoder, dense_to_csr
from safetensors_io import load_file, load_metadata, save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
EPSILON = float(np.finfo(np.float32).eps)
N_WITNESSES = 24

# Widths of 24, 12 and of 19 keep the files small and are no multiple of a vector or a panel of 16.
CASES = [
    Case("all_dense_k8", "all", 97, (24, 12), 8, seed=0),
    Case("all_dense_k64", "all", 83, (24, 12), 64, seed=0),
    Case("all_sparse_k8", "all", 97, (24, 12), 8, seed=0, filled=0.05, empty_batch=True,
         empty_column=True),
    Case("all_sparse_k64", "all", 61, (128, 64), 64, seed=3, filled=0.05),
    Case("observed_dense_k8", "observed", 61, (128, 64), 8, seed=2),
    Case("observed_dense_k64", "observed", 97, (24, 12), 64, seed=1),
    # Six batches of which five make a step.
    Case("observed_sparse_k8", "observed", 97, (24, 12), 8, seed=2, filled=0.05,
         n_rows=5 * 32 + 13, empty_batch=True, empty_column=True),
    Case("observed_sparse_k64", "observed", 83, (24, 12), 64, seed=0, filled=0.05,
         n_rows=5 * 32 + 13, empty_batch=True),
    Case("all_sparse_no_hidden", "all", 67, (), 5, seed=0, filled=0.08, batch_size=16,
         n_rows=4 * 16 + 1),
    Case("observed_dense_one_hidden_decay", "observed", 73, (19,), 5, seed=0, batch_size=16,
         n_rows=4 * 16 + 1, weight_decay=0.01),
    Case("sparse_code_all_k10", "all", 97, (24, 12), 10, seed=0, sparsity_weight=0.2),
    Case("sparse_code_all_no_hidden", "all", 67, (), 10, seed=0, filled=0.08, batch_size=16,
         n_rows=4 * 16 + 1, sparsity_weight=0.2),
    # A batch without ratings makes no step, and its codes no penalty.
    Case("sparse_code_observed_k8", "observed", 83, (24, 12), 8, seed=0, filled=0.05,
         n_rows=5 * 32 + 13, empty_batch=True, sparsity_weight=0.5, sparsity_target=0.1),
]


def make_ratings(case):
    """[n_rows, n_columns] float32, 0 where nothing is rated. Dense is the notebook's recipe."""
    random = np.random.RandomState(case.seed)
    shape = (case.n_rows, case.n_columns)
    if case.filled == 1.0:
        x = random.randint(0, 6, shape).astype(np.float32)
        x[random.random_sample(shape) < 0.8] = 0
        return np.clip(x + 0.3 * random.standard_normal(shape), 0, 5).astype(np.float32)
    x = random.randint(1, 11, shape).astype(np.float32) / 2  # half stars
    full = x[5].copy()
    x[random.random_sample(shape) >= case.filled] = 0
    x[5] = full
    x[[3, 11, 2 * case.batch_size + 7]] = 0  # empty rows, two of them in the first batch
    if case.empty_batch:
        x[2 * case.batch_size:3 * case.batch_size] = 0
    if case.empty_column:
        x[:, 7] = 0
    return x


def make_weights(case):
    """PyTorch's default start: uniform within 1 / sqrt(fan_in), weights and biases."""
    random = np.random.RandomState(1000 + case.seed)
    model = Autoencoder(case.n_columns, case.hidden, case.bottleneck)
    weights = {}
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            bound = parameter.shape[1] ** -0.5
        weights[name] = random.uniform(-bound, bound, tuple(parameter.shape)).astype(np.float32)
    return weights


# Of these the distance is taken: PyTorch as it comes, with two threads, its products the other way
# round, and all sums in other orders under either arithmetic of its Adam.
EVALUATIONS = [Evaluation(), Evaluation(threads=2), Evaluation(other_order=True)] + [
    Evaluation(permutation=k, other_order=k > 3, folded_adam=k % 2 == 0) for k in range(1, 6)]


def witnesses(case):
    """More such ways. They take no part in the distance: they say whether it can be relied on."""
    return [Evaluation(permutation=100 + k, other_order=k % 3 == 0, folded_adam=k % 2 == 0,
                       gram=case.objective == "all" and k % 4 < 2) for k in range(N_WITNESSES)]


def sparsity_gradient(case, code, v):
    """The penalty's gradient by the code, and the square of how far rounding may put it.

    With s = sigmoid(code), r its mean and g = c(r) s (1 - s): sigmoid rounds a few times, 1 - s
    and 1 - r by eps of 1, c by a few eps of its parts. `v` is the square of the code's own error.
    """
    n, t = len(code), case.sparsity_target
    s = 1 / (1 + np.exp(-code))
    r = s.mean(0)
    slope = s * (1 - s)
    c = case.sparsity_weight / n * ((1 - t) / (1 - r) - t / r)
    c_size = case.sparsity_weight / n * ((1 - t) / (1 - r) + t / r)
    c_by_r = case.sparsity_weight / n * ((1 - t) / (1 - r) ** 2 + t / r ** 2)
    v_s = slope**2 * v + (4 * EPSILON * s) ** 2
    v_r = v_s.sum(0) / n**2 + (4 * EPSILON * r) ** 2
    v_g = (c * (1 - 2 * s))**2 * v_s + (c * EPSILON * s)**2
    v_g = v_g + slope**2 * (c_by_r**2 * (v_r + EPSILON**2) + (4 * EPSILON * c_size)**2)
    return c * slope, v_g


def first_step_bounds(case, x, weights):
    """How far rounding may put each element of the first gradient, and how clear ReLU decides.

    A running error analysis in float64 beside the step: an operation that sums n products may be
    off by eps * (4 + sqrt(n)) times itself on absolute values (DESIGN 6); what it was given wrong
    it hands on, errors from different places adding in quadrature. Kept as squares, `v`.
    Returns the bounds by name and the least |pre-activation| / (its bound) over the ReLUs.
    """
    def rounding(n, absolute):
        return (EPSILON * (4 + np.sqrt(n)) * absolute) ** 2

    x = x[:case.batch_size].astype(np.float64)
    names = list(weights)
    w = [weights[name].astype(np.float64) for name in names[::2]]
    b = [weights[name].astype(np.float64) for name in names[1::2]]
    linear_after = {len(w) // 2 - 1, len(w) - 1}  # no ReLU behind the bottleneck and the output
    inputs, v_inputs, masks, margin = [x], [np.zeros_like(x)], [], np.inf
    for i, (wi, bi) in enumerate(zip(w, b)):
        h = inputs[-1]
        z = h @ wi.T + bi
        absolute = np.abs(h) @ np.abs(wi).T + np.abs(bi)
        v = v_inputs[-1] @ (wi ** 2).T + rounding(wi.shape[1], absolute)
        mask = np.ones(z.shape, bool) if i in linear_after else z > 0
        if i not in linear_after:
            margin = min(margin, (np.abs(z) / np.sqrt(v)).min())
        inputs.append(z * mask)
        v_inputs.append(v * mask)
        masks.append(mask)
    counted = np.ones(x.shape, bool) if case.objective == "all" else x != 0
    scale = 2 / counted.sum()
    d = scale * counted * (inputs[-1] - x)
    # 'all' may be computed without ever forming the difference (DESIGN 3.2).
    absolute_d = scale * counted * (absolute + np.abs(x)) if case.objective == "all" else np.abs(d)
    v = scale**2 * counted * v_inputs[-1] + rounding(0, absolute_d)
    bounds = {}
    for i in reversed(range(len(w))):
        h, n, absolute_w = np.abs(inputs[i]), len(x), np.abs(w[i])
        bounds[names[2 * i]] = np.sqrt(v.T @ h**2 + (d**2).T @ v_inputs[i]
                                       + rounding(n, absolute_d.T @ h))
        bounds[names[2 * i + 1]] = np.sqrt(v.sum(0) + rounding(n, absolute_d.sum(0)))
        if i:
            mask = masks[i - 1]
            v = (v @ w[i]**2 + rounding(len(absolute_w), absolute_d @ absolute_w)) * mask
            d = (d @ w[i]) * mask
            absolute_d = np.abs(d)
            if case.sparsity_weight and i == len(w) // 2:  # d is by the code
                g, v_g = sparsity_gradient(case, inputs[i], v_inputs[i])
                d, v, absolute_d = d + g, v + v_g, absolute_d + np.abs(g)
                v = v + rounding(0, absolute_d)
    return bounds, margin


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def distances(run, exact):
    """Of one float32 run from the float64 run: gradients [n], weights [3, n], losses [3]."""
    grad = [relative(run.grad[name], exact.grad[name]) for name in exact.grad]
    weights = [[relative(run.weights[s][name], exact.weights[s][name]) for name in exact.grad]
               for s in STEPS]
    off = np.abs(run.losses - exact.losses) / np.abs(exact.losses)
    return {"grad": np.array(grad), "weights": np.array(weights),
            "losses": np.array([off[:s].max() for s in STEPS])}


def make(case):
    """The case's tensors and metadata, and the figures that say whether it is well conditioned."""
    x, weights = make_ratings(case), make_weights(case)
    exact = train(case, x, weights, Evaluation(dtype=torch.float64))
    runs = [train(case, x, weights, evaluation) for evaluation in EVALUATIONS]
    measured = [distances(run, exact) for run in runs]
    stacked = {key: np.stack([m[key] for m in measured]) for key in measured[0]}
    bounds, margin = first_step_bounds(case, x, weights)

    tensors = dict(zip(("ratings.row_offsets", "ratings.columns", "ratings.values"),
                       dense_to_csr(x)))
    tensors |= {f"init.{name}": value for name, value in weights.items()}
    tensors |= {f"grad.{name}": value for name, value in exact.grad.items()}
    tensors |= {f"grad_bound.{name}": value.astype(np.float32) for name, value in bounds.items()}
    tensors["steps"] = np.array(STEPS, np.int32)
    for step in STEPS:
        # Even after 100 steps float32's rounding would be a fifth of the distance: kept in float64.
        tensors |= {f"step{step}.{name}": value for name, value in exact.weights[step].items()}
    tensors["losses.f64"] = exact.losses
    tensors["losses.f32"] = runs[0].losses
    tensors["epoch_losses.f64"] = exact.epoch_losses
    for key, values in stacked.items():
        tensors[f"distance.{key}"] = values.max(0)
        tensors[f"distance_median.{key}"] = np.median(values, 0)
    metadata = {
        "objective": case.objective, "hidden": ",".join(map(str, case.hidden)),
        "bottleneck": case.bottleneck, "batch_size": case.batch_size, "n_rows": case.n_rows,
        "n_columns": case.n_columns, "learning_rate": LEARNING_RATE,
        "weight_decay": case.weight_decay, "parameters": json.dumps(list(weights)),
        "torch_version": torch.__version__, "seed": case.seed}
    if case.sparsity_weight:
        metadata |= {"sparsity_weight": case.sparsity_weight,
                     "sparsity_target": case.sparsity_target}

    others = [train(case, x, weights, evaluation) for evaluation in witnesses(case)]
    beyond = [distances(run, exact) for run in others]
    with np.errstate(invalid="ignore"):
        figures = {
            "relu margin": margin,
            "grad/bound": np.nanmax([np.nanmax(np.abs(run.grad[name] - exact.grad[name]) / bound)
                                     for run in runs + others for name, bound in bounds.items()]),
            "max/median": np.max(stacked["weights"].max(0) / np.median(stacked["weights"], 0)),
            "witness/max": np.max([np.max(m[key] / stacked[key].max(0))
                                   for m in beyond for key in ("weights", "losses")]),
        }
    return tensors, {key: str(value) for key, value in metadata.items()}, figures


# What a case must keep for its distance to be a yardstick: no ReLU undecided in the first step;
# the yardstick itself not the work of chance; every witness within half of what is allowed (4).
RELU_MARGIN = 4
LIMITS = {"grad/bound": 0.5, "max/median": 4.0, "witness/max": 2.0}


def complaints(figures):
    found = [f"{key} = {figures[key]:.3g} > {limit}" for key, limit in LIMITS.items()
             if not figures[key] <= limit]
    if not figures["relu margin"] >= RELU_MARGIN:
        found.append(f"relu margin = {figures['relu margin']:.3g} < {RELU_MARGIN}")
    return found


def report(case, tensors, figures, n_bytes):
    """One row of the table in tests/golden/README.md."""
    def span(values):
        return f"{values.min():.1e}..{values.max():.1e}"

    weights, losses = tensors["distance.weights"], tensors["distance.losses"]
    cells = [case.name, f"{n_bytes / 1000:.0f}", span(tensors["distance.grad"]),
             *[span(row) for row in weights], *[f"{loss:.1e}" for loss in losses],
             *[f"{value:.2g}" for value in figures.values()]]
    print("| " + " | ".join(cells) + " |", flush=True)


def write(folder, names=None):
    bad = []
    for case in CASES:
        if names and case.name not in names:
            continue
        tensors, metadata, figures = make(case)
        path = folder / f"{case.name}.safetensors"
        save_file(tensors, path, metadata)
        report(case, tensors, figures, path.stat().st_size)
        bad += [f"{case.name}: {complaint}" for complaint in complaints(figures)]
    return bad


def differences(path, committed):
    """What another PyTorch, or another processor, made that is not the committed file's."""
    new, new_metadata = load_file(path), load_metadata(path)
    old, old_metadata = load_file(committed), load_metadata(committed)
    found = [f"metadata {key}: {old_metadata.get(key)} is now {new_metadata.get(key)}"
             for key in sorted(old_metadata.keys() | new_metadata.keys())
             if key != "torch_version" and old_metadata.get(key) != new_metadata.get(key)]
    if new.keys() != old.keys():
        return found + [f"tensors: {sorted(new.keys() ^ old.keys())}"]
    exact_loss = old["losses.f64"]
    for name, b in old.items():
        a = new[name]
        kind = name.split(".")[0]
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            found.append(f"{name}: {b.dtype} {b.shape} is now {a.dtype} {a.shape}")
        elif kind in ("ratings", "init") or name == "steps":
            if not np.array_equal(a, b):
                found.append(f"{name}: other bits")
        elif kind in ("distance", "distance_median"):
            # The luck of a handful of roundings: to be of the same size, no more.
            floor = EPSILON / 4
            if not np.all((a <= 8 * b + floor) & (b <= 8 * a + floor)):
                found.append(f"{name}: {b} is now {a}")
        elif name == "losses.f32":
            if not np.all(np.abs(a - exact_loss) <= 4 * old["distance.losses"][-1] * exact_loss):
                found.append(f"{name}: further from float64 than 4 times the distance")
        else:
            tolerance = 1e-6 if kind == "grad_bound" else 1e-9
            if not relative(a, b) <= tolerance:
                found.append(f"{name}: off by {relative(a, b):.1e}")
    return found


def check():
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder)
        names = {path.name for path in folder.iterdir()}
        names ^= {path.name for path in FOLDER.glob("*.safetensors")}
        bad += [f"{name}: only on one side" for name in sorted(names)]
        for path in sorted(folder.iterdir()):
            if path.name not in names:
                bad += [f"{path.name}: {text}" for text in differences(path, FOLDER / path.name)]
    return bad


def find_seeds(case, count):
    for seed in itertools.count():
        tried = dataclasses.replace(case, seed=seed)
        _, margin = first_step_bounds(tried, make_ratings(tried), make_weights(tried))
        if margin < RELU_MARGIN:
            continue
        tensors, _, figures = make(tried)
        reasons = complaints(figures)
        print(f"seed {seed}: distance after 100 steps {tensors['distance.weights'][2].max():.1e}:",
              "; ".join(reasons) or "good", flush=True)
        count -= not reasons
        if count == 0:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", metavar="CASE", nargs="+", help="write these cases alone")
    parser.add_argument("--find-seed", metavar="CASE", choices=[case.name for case in CASES])
    parser.add_argument("--count", type=int, default=1, help="seeds to find (%(default)s)")
    options = parser.parse_args()
    if options.find_seed:
        find_seeds(next(c for c in CASES if c.name == options.find_seed), options.count)
        return 0
    bad = check() if options.check else write(FOLDER, options.only)
    for text in bad:
        print(text, file=sys.stderr)
    if not bad:
        print("the committed files hold" if options.check else f"written to {FOLDER}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
