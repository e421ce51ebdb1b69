#!/usr/bin/env python3
"""Trains Hourglass's network in PyTorch, without shuffling, to compare with `hourglass train`.

  The same run on both sides, from the same weights, batches of consecutive rows:
    tools/pytorch_run.py RATINGS --init W.safetensors --epochs 10 --output torch.safetensors
    hourglass train RATINGS --init W.safetensors --no-shuffle --epochs 10 --output DIR
  Ratings and weights for both to start from, of a golden or of the notebook's synthetic matrix:
    tools/pytorch_run.py tests/golden/all_dense_k8.safetensors --export DIR --epochs 20
    tools/pytorch_run.py --synthetic --export DIR --epochs 10
  What the seed alone changes in the notebook's job (10,000 x 500, shuffled, K = 64), five seeds:
    tools/pytorch_run.py --spread 5

RATINGS is a wide or long text file that pandas reads, or a golden (whose network, objective and
batch size are then taken). It is made dense: use a small one.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from safetensors_io import load_file, load_metadata, save_file


class Autoencoder(nn.Module):
    """N - hidden - K - hidden reversed - N: ReLU between layers, none behind K and the output."""

    def __init__(self, n_columns, hidden, bottleneck):
        super().__init__()
        widths = [n_columns, *hidden, bottleneck]
        self.encoder = self._stack(widths)
        self.decoder = self._stack(widths[::-1])

    @staticmethod
    def _stack(widths):
        layers = []
        for fan_in, fan_out in zip(widths, widths[1:]):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def forward(self, x):
        return self.decoder(self.encoder(x))


def batch_loss(output, x, objective):
    """'all': nn.MSELoss over every cell. 'observed': the mean over the rated (nonzero) cells."""
    if objective == "all":
        return nn.functional.mse_loss(output, x)
    rated = x != 0
    return ((output - x)[rated] ** 2).mean()


def sparsity_penalty(code, weight, target):
    """The notebook's KL divergence between the target and the batch mean of sigmoid(code)."""
    mean = torch.sigmoid(code).mean(0).clamp(1e-10, 1 - 1e-10)
    divergence = target * torch.log(target / mean) + (1 - target) * torch.log((1 - target) / (1 - mean))
    return weight * divergence.sum()


def batches(x, batch_size, objective):
    """Consecutive rows, the last batch as it falls. 'observed' skips a batch without ratings."""
    for start in range(0, len(x), batch_size):
        batch = x[start:start + batch_size]
        if objective == "all" or bool((batch != 0).any()):
            yield batch


def take_step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def dense_to_csr(dense):
    rows, columns = np.nonzero(dense)
    offsets = np.searchsorted(rows, np.arange(len(dense) + 1)).astype(np.int64)
    return offsets, columns.astype(np.int32), dense[rows, columns].astype(np.float32)


def csr_to_dense(offsets, columns, values, n_columns):
    dense = np.zeros((len(offsets) - 1, n_columns), np.float32)
    dense[np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), columns] = values
    return dense


def notebook_matrix(n_rows=10000, n_columns=500):
    """The notebook's matrix, from numpy's and torch's global generators in its order of calls."""
    ratings = np.random.randint(0, 6, size=(n_rows, n_columns)).astype(np.float32)
    ratings[np.random.rand(n_rows, n_columns) < 0.8] = 0
    x = torch.tensor(ratings)
    return torch.clamp(x + 0.3 * torch.randn_like(x), 0, 5)


def seed_everything(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


def in_order(ids):
    """Ids of a long file as hourglass sorts them: as numbers where all are whole, else by bytes."""
    ids = list(ids)
    whole = all(text.lstrip("+-").isdecimal() for text in ids)
    return sorted(ids, key=int if whole else str.encode)


def read_text(path):
    """(x, row ids, column ids) of a wide file, or of a long one: a column named for its values."""
    import pandas as pd

    compression = "gzip" if open(path, "rb").read(2) == b"\x1f\x8b" else None
    read = {"compression": compression, "dtype": str, "keep_default_na": False}
    head = pd.read_csv(path, nrows=0, **read).columns
    value = [name for name in head if name.lower() in ("rating", "score", "value", "stars")]
    if value and len(head) <= 16:
        row, column = [name for name in head if name != value[0]][:2]
        long = pd.read_csv(path, **read)
        long[value[0]] = long[value[0]].astype(float)
        wide = long[long[value[0]] != 0].pivot_table(values=value[0], index=row, columns=column)
        wide = wide.loc[in_order(wide.index), in_order(wide.columns)]
    else:
        wide = pd.read_csv(path, index_col=0, **read).replace("", "0").astype(float)
    x = wide.fillna(0).to_numpy(np.float32)
    return x, list(wide.index), list(wide.columns)


def write_wide(path, x, row_ids, column_ids):
    with open(path, "w", newline="\n") as file:
        print("row", *column_ids, sep=",", file=file)
        for row_id, row in zip(row_ids, x):
            print(row_id, *["" if value == 0 else str(value) for value in row], sep=",", file=file)


def network_of(weights):
    """(n_columns, hidden, bottleneck) of a state dict."""
    layers = sorted((int(name.split(".")[1]), value.shape) for name, value in weights.items()
                    if name.startswith("encoder.") and value.ndim == 2)
    widths = [layers[0][1][1], *[shape[0] for _, shape in layers]]
    return widths[0], widths[1:-1], widths[-1]


def check_column_ids(path, ids):
    """A model of hourglass says which columns it was trained on."""
    known = json.loads(load_metadata(path).get("column_ids", "null"))
    if known is not None and known != list(ids):
        raise SystemExit(f"{path}: was trained on other columns; use a model of this data")


def read_ratings(options):
    """(x, row ids, column ids, weights or None) and, from a golden, its options into `options`."""
    weights = None
    if options.synthetic:
        x = notebook_matrix().numpy()
    elif options.ratings.endswith(".safetensors"):
        tensors, case = load_file(options.ratings), load_metadata(options.ratings)
        x = csr_to_dense(*[tensors[f"ratings.{part}"] for part in
                           ("row_offsets", "columns", "values")], int(case["n_columns"]))
        weights = {name.removeprefix("init."): value for name, value in tensors.items()
                   if name.startswith("init.")}
        options.objective, options.batch_size = case["objective"], int(case["batch_size"])
        options.weight_decay = float(case["weight_decay"])
        options.sparsity_weight = float(case.get("sparsity_weight", 0))
        options.sparsity_target = float(case.get("sparsity_target", 0.05))
    else:
        return *read_text(options.ratings), None
    return x, [str(i) for i in range(len(x))], [str(i) for i in range(x.shape[1])], weights


def run(options):
    seed_everything(options.seed)
    x, row_ids, column_ids, weights = read_ratings(options)
    if options.init:
        check_column_ids(options.init, column_ids)
        weights = load_file(options.init)
    if weights is None:
        model = Autoencoder(x.shape[1], options.hidden, options.bottleneck)
    else:
        model = Autoencoder(*network_of(weights))
        model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})

    def save(path):
        save_file({name: p.detach().numpy() for name, p in model.named_parameters()}, path,
                  {"format": "pt"})

    if options.export:
        options.export.mkdir(parents=True, exist_ok=True)
        write_wide(options.export / "ratings.csv", x, row_ids, column_ids)
        save(options.export / "init.safetensors")
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate,
                                 weight_decay=options.weight_decay)
    x = torch.tensor(x)

    def loss_of(batch):
        loss = batch_loss(model(batch), batch, options.objective)
        if options.sparsity_weight == 0:
            return loss
        return loss + sparsity_penalty(model.encoder(batch), options.sparsity_weight,
                                       options.sparsity_target)

    print("epochs,losses")
    for epoch in range(1, options.epochs + 1):
        losses = [take_step(optimizer, loss_of(batch))
                  for batch in batches(x, options.batch_size, options.objective)]
        print(f"{epoch},{np.mean(losses):.9g}", flush=True)
    if options.output:
        save(options.output)


def notebook_losses(seed, epochs):
    """The notebook's own loop: shuffled batches, the epoch's loss the mean over its batches."""
    seed_everything(seed)
    x = notebook_matrix()
    model = Autoencoder(x.shape[1], (128, 64), 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x), batch_size=128, shuffle=True)
    return [np.mean([take_step(optimizer, batch_loss(model(batch), batch, "all"))
                     for (batch,) in loader]) for _ in range(epochs)]


def spread(n_seeds):
    epochs = (1, 4, 10)
    rows = []
    print("seed", *[f"epoch {epoch}" for epoch in epochs], sep="\t")
    for seed in range(42, 42 + n_seeds):
        losses = notebook_losses(seed, epochs[-1])
        rows.append([losses[epoch - 1] for epoch in epochs])
        print(seed, *[f"{loss:.5f}" for loss in rows[-1]], sep="\t", flush=True)
    for name, statistic in (("min", np.min), ("mean", np.mean), ("max", np.max)):
        print(name, *[f"{value:.5f}" for value in statistic(rows, axis=0)], sep="\t")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("ratings", nargs="?", metavar="RATINGS")
    what.add_argument("--synthetic", action="store_true", help="the notebook's matrix, from --seed")
    what.add_argument("--spread", type=int, metavar="N", help="the notebook's job, N seeds from 42")
    parser.add_argument("--init", metavar="FILE", help="starting weights (else random, by --seed)")
    parser.add_argument("--output", metavar="FILE", help="where the trained weights go")
    parser.add_argument("--export", metavar="DIR", type=pathlib.Path,
                        help="write what hourglass starts from: ratings.csv, init.safetensors")
    parser.add_argument("--hidden", default="128,64", help="without --init (%(default)s)")
    parser.add_argument("--bottleneck", type=int, default=64, help="without --init (%(default)s)")
    parser.add_argument("--objective", choices=("all", "observed"), default="all")
    parser.add_argument("--batch-size", type=int, default=128, help="%(default)s")
    parser.add_argument("--epochs", type=int, default=10, help="%(default)s")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="%(default)s")
    parser.add_argument("--weight-decay", type=float, default=0, help="%(default)s")
    parser.add_argument("--sparsity-weight", type=float, default=0, help="%(default)s")
    parser.add_argument("--sparsity-target", type=float, default=0.05, help="%(default)s")
    parser.add_argument("--seed", type=int, default=42, help="%(default)s")
    parser.add_argument("--threads", type=int, help="PyTorch's own choice where not given")
    options = parser.parse_args()
    options.hidden = [int(width) for width in options.hidden.split(",") if width]
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.spread:
        spread(options.spread)
    else:
        run(options)


if __name__ == "__main__":
    main()
