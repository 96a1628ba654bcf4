"""PyTorch's workloads.

Compiled, `torch.func` states the whole of a row, gradient and update included, as one graph: that is two to five
times quicker here than a compiled forward pass whose backward pass autograd calls. The quickest compiled Hessian is
`jacrev(grad(f))`, and the quickest eager one `torch.autograd.functional.hessian(vectorize=True)`.
"""

from functools import partial

import torch

from bench.rows import CHAIN_STEPS, MLP, RATE, elementwise_data, hessian_data, keras_data, mlp_data


def compiled(function):
    """`torch.compile` as in a fresh process: what it learnt of other rows' shapes makes its code slower."""
    torch._dynamo.reset()
    return torch.compile(function)


def value_and_gradient(function, x):
    """What eager PyTorch does for the value of a scalar function and its gradient."""
    x = x.requires_grad_()

    def call():
        value = function(x)
        (gradient,) = torch.autograd.grad(value, x)
        return value, gradient

    return call


def compiled_value_and_gradient(function, x):
    both = compiled(torch.func.grad_and_value(function))

    def call():
        gradient, value = both(x)
        return value, gradient

    return call


def square(x):
    return x**2


def scalar():
    x = torch.tensor(3.0, requires_grad=True)

    def call():
        (gradient,) = torch.autograd.grad(x**2, x)
        return gradient

    return call


def scalar_compiled():
    return partial(compiled(torch.func.grad(square)), torch.tensor(3.0))


def steps(y):
    for _ in range(CHAIN_STEPS):
        y = torch.sin(y) * 1.01 + 0.1
    return y


def chain(both):
    return both(steps, torch.tensor(3.0))


def bells(z):
    bell = torch.exp(-((1.3 * torch.sin(z) + 0.2) ** 2))
    return torch.sum(bell * torch.tanh(z) + torch.log(1 + torch.exp(z)))


def elementwise(both):
    return both(bells, torch.from_numpy(elementwise_data()))


def rosenbrock(x):
    return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def hessian():
    x = torch.from_numpy(hessian_data())
    return lambda: torch.autograd.functional.hessian(rosenbrock, x, vectorize=True)


def hessian_compiled():
    second = compiled(torch.func.jacrev(torch.func.grad(rosenbrock)))
    return partial(second, torch.from_numpy(hessian_data()))


def loss_of(parameters, images, labels):
    layer = images
    for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
        layer = torch.relu(layer @ w + b)
    logits = layer @ parameters[-2] + parameters[-1]
    return torch.nn.functional.cross_entropy(logits, labels)


def mlp_tensors(row):
    images, labels, parameters = mlp_data(row)
    return torch.from_numpy(images), torch.from_numpy(labels).long(), [torch.from_numpy(p) for p in parameters]


def mlp(row):
    images, labels, parameters = mlp_tensors(row)
    for p in parameters:
        p.requires_grad_()

    def call():
        loss = loss_of(parameters, images, labels)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-RATE)  # what torch.optim.SGD does
        return loss.detach()

    return call


def mlp_compiled(row):
    images, labels, parameters = mlp_tensors(row)

    @compiled
    def step(parameters, images, labels):
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, images, labels)
        for p, g in zip(parameters, gradients):
            p.sub_(RATE * g)
        return loss

    return partial(step, parameters, images, labels)


def keras_modules():
    """The model of the Keras row in torch.nn, and its data."""
    inputs, targets, parameters = keras_data()
    model = torch.nn.Sequential(torch.nn.Linear(10, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    with torch.no_grad():
        for p, value in zip(model.parameters(), parameters):
            p.copy_(torch.from_numpy(value.T))
    return model, torch.from_numpy(inputs), torch.from_numpy(targets)


def keras():
    model, inputs, targets = keras_modules()
    loss_of = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def call():
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return call


def keras_compiled():
    model, inputs, targets = keras_modules()
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss_of(parameters, inputs, targets):
        return torch.nn.functional.mse_loss(torch.func.functional_call(model, parameters, inputs), targets)

    @compiled
    def step(parameters, inputs, targets):
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, inputs, targets)
        for name, p in parameters.items():
            p.sub_(RATE * gradients[name])
        return loss

    return partial(step, parameters, inputs, targets)


WORKLOADS = {
    ("scalar", "eager"): scalar,
    ("scalar", "compile"): scalar_compiled,
    ("chain", "eager"): partial(chain, value_and_gradient),
    ("chain", "compile"): partial(chain, compiled_value_and_gradient),
    ("elementwise", "eager"): partial(elementwise, value_and_gradient),
    ("elementwise", "compile"): partial(elementwise, compiled_value_and_gradient),
    ("hessian", "eager"): hessian,
    ("hessian", "compile"): hessian_compiled,
    **{(row, "eager"): partial(mlp, row) for row in MLP},
    **{(row, "compile"): partial(mlp_compiled, row) for row in MLP},
    ("keras", "eager"): keras,
    ("keras", "compile"): keras_compiled,
}
