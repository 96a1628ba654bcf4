"""JAX's workloads. A training step takes the parameters and returns the new ones, in the memory of the old."""

from functools import partial

import jax
import jax.numpy as jnp

from bench.rows import CHAIN_STEPS, MLP, RATE, elementwise_data, hessian_data, keras_data, mlp_data


def ready(function, *arguments):
    """The call to be timed: JAX returns before it has computed."""
    return lambda: jax.block_until_ready(function(*arguments))


def square(x):
    return x**2


def as_it_is(function):
    return function


def scalar(wrap):
    return ready(wrap(jax.grad(square)), jnp.float32(3.0))


def link(y):
    return jnp.sin(y) * 1.01 + 0.1


def chain():
    def steps(y):
        for _ in range(CHAIN_STEPS):
            y = link(y)
        return y

    return ready(jax.value_and_grad(steps), jnp.float32(3.0))


def chain_jitted():
    """As a loop of JAX's own: it compiles ten times quicker than the unrolled one, and runs twice as fast."""

    def steps(y):
        return jax.lax.fori_loop(0, CHAIN_STEPS, lambda i, y: link(y), y)

    return ready(jax.jit(jax.value_and_grad(steps)), jnp.float32(3.0))


def elementwise():
    def value(z):
        bell = jnp.exp(-((1.3 * jnp.sin(z) + 0.2) ** 2))
        return jnp.sum(bell * jnp.tanh(z) + jnp.log(1 + jnp.exp(z)))

    return ready(jax.jit(jax.value_and_grad(value)), jnp.asarray(elementwise_data()))


def hessian():
    def rosenbrock(x):
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return ready(jax.jit(jax.jacrev(jax.grad(rosenbrock))), jnp.asarray(hessian_data()))


def training(loss_of, parameters, *batch):
    """A step of gradient descent, written by hand and jitted, that keeps its parameters from call to call."""
    parameters = [jnp.array(p) for p in parameters]
    batch = [jnp.asarray(b) for b in batch]

    @partial(jax.jit, donate_argnums=0)
    def step(parameters, *batch):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, *batch)
        return [p - RATE * g for p, g in zip(parameters, gradients)], loss

    def call():
        nonlocal parameters
        parameters, loss = step(parameters, *batch)
        return loss.block_until_ready()

    return call


def predict(parameters, layer):
    for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
        layer = jax.nn.relu(layer @ w + b)
    return layer @ parameters[-2] + parameters[-1]


def mlp(row):
    images, labels, parameters = mlp_data(row)

    def loss_of(parameters, images, labels):
        likely = jax.nn.log_softmax(predict(parameters, images))
        return -jnp.mean(jnp.take_along_axis(likely, labels[:, None], axis=1))

    return training(loss_of, parameters, images, labels)


def keras():
    inputs, targets, parameters = keras_data()

    def loss_of(parameters, inputs, targets):
        return jnp.mean((predict(parameters, inputs) - targets) ** 2)

    return training(loss_of, parameters, inputs, targets)


WORKLOADS = {
    ("scalar", "eager"): partial(scalar, as_it_is),
    ("chain", "eager"): chain,
    ("scalar", "jit"): partial(scalar, jax.jit),
    ("chain", "jit"): chain_jitted,
    ("elementwise", "jit"): elementwise,
    ("hessian", "jit"): hessian,
    ("keras", "jit"): keras,
    **{(row, "jit"): partial(mlp, row) for row in MLP},
}
