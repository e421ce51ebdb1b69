"""Trains a case of make_goldens.py in PyTorch under any of many equally valid evaluations."""
import dataclasses

import numpy as np
import torch
from torch import nn

from pytorch_run import Autoencoder, batch_loss, batches, sparsity_penalty, take_step

STEPS = (1, 10, 100)
LEARNING_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    objective: str
    n_columns: int
    hidden: tuple
    bottleneck: int
    seed: int
    filled: float = 1.0        # < 1: sparse, that share of the cells
    batch_size: int = 32
    n_rows: int = 4 * 32 + 13  # five batches, so that 100 steps are 20 epochs
    empty_batch: bool = False  # the third batch has no ratings
    empty_column: bool = False
    weight_decay: float = 0.0
    sparsity_weight: float = 0.0
    sparsity_target: float = 0.05


class ProductInOtherOrder(nn.Linear):
    def forward(self, h):
        return (self.weight @ h.t()).t() + self.bias


class GramLoss(torch.autograd.Function):
    """The output layer and nn.MSELoss by DESIGN 3.2, whose gradients never form the output."""

    @staticmethod
    def forward(context, h, weight, bias, x):
        ha = torch.cat([h, torch.ones_like(h[:, :1])], 1)
        wa = torch.cat([weight, bias[:, None]], 1)
        context.save_for_backward(ha, wa, x)
        return nn.functional.mse_loss(ha @ wa.t(), x)

    @staticmethod
    def backward(context, _):
        ha, wa, x = context.saved_tensors
        grad_h = (ha @ (wa.t() @ wa) - x @ wa) * (2 / x.numel())
        grad_w = (wa @ (ha.t() @ ha) - x.t() @ ha) * (2 / x.numel())
        return grad_h[:, :-1], grad_w[:, :-1], grad_w[:, -1], None


class FoldedAdam(torch.optim.Optimizer):
    """torch.optim.Adam in the arithmetic of its capturable=True, which the CPU does not offer."""

    def __init__(self, parameters, lr, weight_decay):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.t = 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        group, = self.param_groups
        step_size = group["lr"] / (1 - 0.9**self.t)
        for p in group["params"]:
            state = self.state[p]
            if not state:
                state["m"], state["v"] = torch.zeros_like(p), torch.zeros_like(p)
            g = p.grad + group["weight_decay"] * p
            state["m"].lerp_(g, 1 - 0.9)
            state["v"].mul_(0.999).addcmul_(g, g, value=1 - 0.999)
            scale = (1 - 0.999**self.t)**0.5 * step_size
            p.sub_(state["m"] / (state["v"].sqrt() / scale + 1e-8 / step_size))


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One of many equally valid ways to do the same arithmetic."""
    dtype: torch.dtype = torch.float32
    threads: int = 1
    other_order: bool = False  # W X^T, transposed, in place of X W^T
    permutation: int = 0       # a seed that reorders columns, hidden units and the rows of a batch
    folded_adam: bool = False
    gram: bool = False


@dataclasses.dataclass
class Trajectory:
    losses: np.ndarray        # [100]
    epoch_losses: np.ndarray  # [20]
    grad: dict                # the first step's, by name
    weights: dict             # by step, then by name


def permutations(case, seed):
    """Row order of the data, and (rows, columns) order of every layer's weight."""
    random = np.random.RandomState(seed)
    columns = random.permutation(case.n_columns)
    inner = [*case.hidden, case.bottleneck, *case.hidden[::-1]]
    orders = [columns, *[random.permutation(n) for n in inner], columns]
    rows = [start + random.permutation(min(case.batch_size, case.n_rows - start))
            for start in range(0, case.n_rows, case.batch_size)]
    return np.concatenate(rows), list(zip(orders[1:], orders))


def train(case, x, weights, evaluation):
    torch.set_num_threads(evaluation.threads)
    model = Autoencoder(case.n_columns, case.hidden, case.bottleneck)
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    model = model.to(evaluation.dtype)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    if evaluation.permutation:
        rows, orders = permutations(case, evaluation.permutation)
        x = x[rows][:, orders[0][1]]
        for layer, (outs, ins) in zip(layers, orders):
            layer.weight.data = layer.weight.data[outs][:, ins].contiguous()
            layer.bias.data = layer.bias.data[outs].contiguous()
    if evaluation.other_order:
        for layer in layers:
            layer.__class__ = ProductInOtherOrder
    x = torch.tensor(x).to(evaluation.dtype).contiguous()
    adam = FoldedAdam if evaluation.folded_adam else torch.optim.Adam
    optimizer = adam(model.parameters(), lr=LEARNING_RATE, weight_decay=case.weight_decay)
    before_last = nn.Sequential(*model.encoder, *model.decoder[:-1])

    def loss_of(batch):
        if evaluation.gram:
            loss = GramLoss.apply(before_last(batch), layers[-1].weight, layers[-1].bias, batch)
        else:
            loss = batch_loss(model(batch), batch, case.objective)
        if case.sparsity_weight:
            loss = loss + sparsity_penalty(model.encoder(batch), case.sparsity_weight,
                                           case.sparsity_target)
        return loss

    def copied(of):
        """The parameters, or their gradients, in the case's own order, as float64."""
        values = []
        for i, layer in enumerate(layers):
            weight, bias = (of(p).detach().double().numpy().copy()
                            for p in (layer.weight, layer.bias))
            if evaluation.permutation:
                outs, ins = (np.argsort(order) for order in orders[i])
                weight, bias = weight[outs][:, ins], bias[outs]
            values += [weight, bias]
        return dict(zip(weights, values))

    losses, epoch_losses, grad, snapshots = [], [], {}, {}
    while len(losses) < STEPS[-1]:
        epoch = []
        for batch in batches(x, case.batch_size, case.objective):
            epoch.append(take_step(optimizer, loss_of(batch)))
            step = len(losses) + len(epoch)
            if step == 1:
                grad = copied(lambda p: p.grad)
            if step in STEPS:
                snapshots[step] = copied(lambda p: p)
        losses += epoch
        epoch_losses.append(np.mean(epoch))
    assert len(losses) == STEPS[-1], "100 steps are to be whole epochs"
    return Trajectory(np.array(losses), np.array(epoch_losses), grad, snapshots)
