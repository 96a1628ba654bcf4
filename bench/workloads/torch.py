"""PyTorch's workloads."""

from functools import partial

import torch

from bench.rows import MLP, MLP_RATE, mlp_data


def scalar():
    x = torch.tensor(3.0, requires_grad=True)

    def call():
        (gradient,) = torch.autograd.grad(x**2, x)
        return gradient

    return call


def chain():
    x = torch.tensor(3.0, requires_grad=True)

    def call():
        y = x
        for _ in range(250):
            y = torch.sin(y) * 1.01 + 0.1
        (gradient,) = torch.autograd.grad(y, x)
        return y, gradient

    return call


def mlp(row):
    images, labels, parameters = mlp_data(row)
    images, labels = torch.from_numpy(images), torch.from_numpy(labels).long()
    parameters = [torch.from_numpy(p).requires_grad_() for p in parameters]

    def call():
        layer = images
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            layer = torch.relu(layer @ w + b)
        logits = layer @ parameters[-2] + parameters[-1]
        loss = torch.nn.functional.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, gradients):
                p -= MLP_RATE * g
        return loss.detach()

    return call


WORKLOADS = {
    ("scalar", "eager"): scalar,
    ("chain", "eager"): chain,
    **{(row, "eager"): partial(mlp, row) for row in MLP},
}
