#!/usr/bin/env python3
"""PyTorch's side of bench/compare_pytorch, a process a job: pytorch_jobs.py JOB, JSON both ways.

    pytorch_jobs.py '{"ratings": "ratings.npz", "objective": "all", "batch": 128, "loop": "bag",
                      "optimizer": "flat", "threads": 1, "steps": 60}'
    pytorch_jobs.py --prepare LONG.csv.gz ratings.npz      a long file as CSR, so that no job parses text

"ratings": such CSR, or "10000x500", the notebook's test matrix of that size, made as the notebook does.

"loop", the ways to write a step (all train the same network, from the same weights):
  notebook  as the notebook stands: DataLoader over the whole dense tensor, .item() a step
  slices    rows of the dense tensor by a permutation, losses added up as tensors
  dense     a dense batch filled from CSR, no Python per row; of rated cells, a mask over it
  bag       the input layer an embedding bag over the ratings; the loss on a dense batch likewise
  gather    of rated cells: embedding bag, and of the output layer the rated cells' rows alone
"optimizer": "adam", torch.optim.Adam as it is; "flat": all parameters in one; "fused": fused=True, where
this PyTorch has it on a CPU. "steps": how many are made; "epochs": instead of them, whole epochs.
Prints the seconds of each step or epoch, the steps of an epoch and the losses.
"""
import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import pytorch_run  # noqa: E402


class Rows:
    """Ratings as CSR in torch's terms, and batches of their rows."""

    def __init__(self, path):
        with np.load(path) as stored:
            self.n_columns = int(stored["n_columns"])
            self.offsets = torch.from_numpy(stored["offsets"])
            self.columns = torch.from_numpy(stored["columns"].astype(np.int64))
            self.values = torch.from_numpy(stored["values"])
        self.n_rows = len(self.offsets) - 1

    def dense(self):
        x = torch.zeros(self.n_rows, self.n_columns)
        lengths = self.offsets[1:] - self.offsets[:-1]
        x[torch.repeat_interleave(torch.arange(self.n_rows), lengths), self.columns] = self.values
        return x

    def batch(self, rows):
        """(where each row begins, the batch row of each rating, its column, its value)"""
        begins = self.offsets[rows]
        lengths = self.offsets[rows + 1] - begins
        first = torch.cumsum(lengths, 0) - lengths
        row = torch.repeat_interleave(torch.arange(len(rows)), lengths)
        entry = torch.arange(len(row)) - first[row] + begins[row]
        return first, row, self.columns[entry], self.values[entry]


class BagAutoencoder(nn.Module):
    """The same network, its input layer a row of weights a column id."""

    def __init__(self, model):
        super().__init__()
        self.table = nn.Parameter(model.encoder[0].weight.detach().t().contiguous())
        self.bias = model.encoder[0].bias
        self.narrow = nn.Sequential(*model.encoder[1:], *model.decoder[:-1])
        self.output = model.decoder[-1]

    def hidden(self, first, columns, values):
        return self.narrow(functional.embedding_bag(columns, self.table, first, mode="sum",
                                                    per_sample_weights=values) + self.bias)


class Job:
    """loss_of(rows of the matrix) of the chosen loop."""

    def __init__(self, options):
        loop, ratings = options["loop"], options["ratings"]
        if ratings.endswith(".npz"):
            self.rows = Rows(ratings)
            if loop in ("notebook", "slices"):
                self.x = self.rows.dense()
            self.n_rows, n_columns = self.rows.n_rows, self.rows.n_columns
        else:
            self.x = pytorch_run.notebook_matrix(*map(int, ratings.split("x")))
            self.n_rows, n_columns = self.x.shape
        self.objective = options["objective"]
        self.model = pytorch_run.Autoencoder(n_columns, (128, 64), 64)
        if loop in ("bag", "gather"):
            self.model = BagAutoencoder(self.model)
        self.loss_of = getattr(self, "of_" + loop)
        self.reads_loss = loop == "notebook"

    def of_slices(self, rows):
        x = self.x[rows]
        return pytorch_run.batch_loss(self.model(x), x, self.objective)

    def of_notebook(self, x):
        return pytorch_run.batch_loss(self.model(x), x, self.objective)

    def filled(self, n, row, columns, values):
        x = torch.zeros(n, self.rows.n_columns)
        x[row, columns] = values
        return x

    def cells_loss(self, output, x, n_ratings):
        if self.objective == "all":
            return functional.mse_loss(output, x)
        # A product with the mask: picking so many cells by it is slower.
        return (((output - x) * (x != 0)) ** 2).sum() / n_ratings

    def of_dense(self, rows):
        _, row, columns, values = self.rows.batch(rows)
        x = self.filled(len(rows), row, columns, values)
        return self.cells_loss(self.model(x), x, len(values))

    def of_bag(self, rows):
        first, row, columns, values = self.rows.batch(rows)
        output = self.model.output(self.model.hidden(first, columns, values))
        return self.cells_loss(output, self.filled(len(rows), row, columns, values), len(values))

    def of_gather(self, rows):
        first, row, columns, values = self.rows.batch(rows)
        hidden = self.model.hidden(first, columns, values)
        output = self.model.output
        predicted = (hidden[row] * output.weight[columns]).sum(1) + output.bias[columns]
        return functional.mse_loss(predicted, values)


class Stepper:
    """Adam on a loss."""

    def __init__(self, model, kind):
        parameters = list(model.parameters())
        self.flat = kind == "flat"
        if self.flat:
            whole = torch.empty(sum(p.numel() for p in parameters))
            self.gradient = torch.zeros_like(whole)
            begin = 0
            for p in parameters:
                part = slice(begin, begin + p.numel())
                whole[part] = p.detach().reshape(-1)
                p.data = whole[part].view_as(p)
                p.grad = self.gradient[part].view_as(p)
                begin = part.stop
            parameters = [nn.Parameter(whole)]
            parameters[0].grad = self.gradient
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3,
                                          **({"fused": True} if kind == "fused" else {}))

    def step(self, loss):
        if self.flat:
            self.gradient.zero_()
        else:
            self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


def batches(job, size):
    """An epoch's batches: rows' numbers, or what the notebook's DataLoader makes of them."""
    if job.reads_loss:
        loader = pytorch_run.DataLoader(pytorch_run.TensorDataset(job.x), batch_size=size, shuffle=True)
        return (x for (x,) in loader)
    return iter(torch.randperm(job.n_rows).split(size))


def run(options):
    torch.set_num_threads(options["threads"])
    pytorch_run.seed_everything(42)
    job = Job(options)
    stepper = Stepper(job.model, options["optimizer"])
    torch.manual_seed(7)
    most_steps, most_epochs = options.get("steps", 1 << 60), options.get("epochs", 1 << 60)
    steps, epochs, losses = [], [], []
    while len(steps) < most_steps and len(epochs) < most_epochs:
        epoch_began = step_began = time.perf_counter()
        total, n = 0.0 if job.reads_loss else torch.zeros(()), 0
        for batch in batches(job, options["batch"]):
            loss = job.loss_of(batch)
            stepper.step(loss)
            # A sum, and no list: a loss that is kept keeps its batch's memory.
            total += loss.item() if job.reads_loss else loss.detach()
            n += 1
            now = time.perf_counter()
            steps.append(now - step_began)
            step_began = now
            if len(steps) == most_steps:
                break
        else:
            epochs.append(time.perf_counter() - epoch_began)
        losses.append(float(total) / n)
    return {"torch": torch.__version__, "steps": steps, "epochs": epochs,
            "of_epoch": -(-job.n_rows // options["batch"]), "losses": losses}


def prepare(source, target):
    """A long file of ratings as CSR; lines of the same pair are averaged, as hourglass does."""
    import pandas as pd

    long = pd.read_csv(source)
    names = list(long.columns)
    mean = long[long[names[2]] != 0].groupby(names[:2], sort=True)[names[2]].mean().reset_index()
    row, row_ids = pd.factorize(mean[names[0]], sort=True)
    column, column_ids = pd.factorize(mean[names[1]], sort=True)
    np.savez(target, n_columns=len(column_ids), columns=column.astype(np.int32),
             offsets=np.searchsorted(row, np.arange(len(row_ids) + 1)).astype(np.int64),
             values=mean[names[2]].to_numpy(np.float32))


def main():
    if sys.argv[1] == "--prepare":
        prepare(sys.argv[2], sys.argv[3])
    else:
        print(json.dumps(run(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
