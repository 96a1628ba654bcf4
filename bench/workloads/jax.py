"""JAX's workloads, without jit."""

import jax
import jax.numpy as jnp


def scalar():
    x = jnp.float32(3.0)
    gradient = jax.grad(lambda x: x**2)
    return lambda: gradient(x).block_until_ready()


def chain():
    x = jnp.float32(3.0)

    def steps(y):
        for _ in range(250):
            y = jnp.sin(y) * 1.01 + 0.1
        return y

    both = jax.value_and_grad(steps)
    return lambda: jax.block_until_ready(both(x))


WORKLOADS = {("scalar", "eager"): scalar, ("chain", "eager"): chain}
