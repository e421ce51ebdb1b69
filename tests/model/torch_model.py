"""PyTorch's side of model_torch_test.cc: the network as its users build it.

    torch_model.py predict MODEL ROWS OUTPUT HIDDEN K   MODEL's output for ROWS' "rows"
    torch_model.py write FILE N HIDDEN K                a plain state_dict, filled with 0, 1, 2, ...
"""

import json
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from safetensors_io import load_file, load_metadata, save_file  # noqa: E402


class Autoencoder(nn.Module):
    def __init__(self, n_columns, hidden, bottleneck):
        super().__init__()
        widths = [n_columns, *hidden, bottleneck]
        self.encoder = sequential(widths)
        self.decoder = sequential(widths[::-1])

    def forward(self, x):
        return self.decoder(self.encoder(x))


def sequential(widths):
    layers = []
    for n_inputs, n_outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def main(command, *arguments):
    hidden = [int(width) for width in arguments[-2].split(",") if width]
    bottleneck = int(arguments[-1])
    if command == "predict":
        path, rows_path, output_path = arguments[:3]
        rows = torch.from_numpy(load_file(rows_path)["rows"])
        model = Autoencoder(rows.shape[1], hidden, bottleneck)
        state_dict = {name: torch.from_numpy(array) for name, array in load_file(path).items()}
        model.load_state_dict(state_dict, strict=True)
        metadata = load_metadata(path)
        assert metadata["format"] == "pt"
        ids = [f"id{i}" for i in range(rows.shape[1])]
        assert json.loads(metadata["column_ids"]) == ids
        network = {"n_columns": rows.shape[1], "hidden": hidden, "bottleneck": bottleneck}
        assert json.loads(metadata["network"]) == network
        with torch.no_grad():
            save_file({"output": model(rows).numpy()}, output_path)
    else:
        path, n_columns = arguments[:2]
        state_dict = Autoencoder(int(n_columns), hidden, bottleneck).state_dict()
        n = 0
        for name, tensor in state_dict.items():
            ramp = torch.arange(n, n + tensor.numel(), dtype=torch.float32)
            state_dict[name] = ramp.reshape(tensor.shape)
            n += tensor.numel()
        save_file({name: tensor.numpy() for name, tensor in state_dict.items()}, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
