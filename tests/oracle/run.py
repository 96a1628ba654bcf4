"""Run a case against a module: `run(case, tf, mode)` returns {"out": ..., "grad": ...}, or the error, frozen.

A mode is a function `mode(tf, f, tensors)` that returns what `f(*tensors)` does, its own way: `eager` calls
it; a traced one wraps it in `tf.function` first. `f` computes results and gradients together, as a training
step does.
"""

import contextlib
import math

import numpy as np

from oracle.case import attr, numpy_dtype, t, tensors_in, walk
from oracle.freeze import Unfreezable, error, freeze


def eager(tf, f, tensors):
    return f(*tensors)


@contextlib.contextmanager
def on_numpy(tf):
    """Graphs run on NumPy kernels, uncompiled; TensorFlow's as ever."""
    if tf.__name__ != "tapeflow":
        yield
        return
    import tapeflow.compiler.run as compiler

    before, compiler.native = compiler.native, False
    try:
        yield
    finally:
        compiler.native = before


def traced(tf, f, tensors):
    """In a function whose graph runs on NumPy kernels."""
    with on_numpy(tf):
        return tf.function(f)(*tensors)


def compiled(tf, f, tensors):
    """In a function whose graph runs as native code."""
    return tf.function(f)(*tensors)


def unknown(tf, f, tensors):
    """In a function that is traced for tensors of known rank and unknown sizes, on NumPy kernels."""
    _, function, given = _of_tensors(tf, f, tensors)
    with on_numpy(tf):
        return function(*given)


def _of_tensors(tf, f, tensors):
    """`f` of the tensors among its arguments, the same traced for unknown sizes, and these tensors."""
    places = [i for i, x in enumerate(tensors) if isinstance(x, tf.Tensor)]

    def inner(*given):
        full = list(tensors)
        for i, x in zip(places, given):
            full[i] = x
        return f(*full)

    specs = [tf.TensorSpec([None] * len(tensors[i].shape), tensors[i].dtype) for i in places]
    return inner, tf.function(inner, input_signature=specs), [tensors[i] for i in places]


def unknown_function(case, tf):
    """A case as a function of its tensors, the same traced for unknown sizes, and the tensors."""
    sources, rebuild = _arguments(case, tf)
    return _of_tensors(tf, lambda *tensors: case.body(tf, rebuild(tensors)), [made for _, made in sources])


MODES = {"eager": eager, "traced": traced, "compiled": compiled, "unknown": unknown}


def sizes_in(case):
    """Whether a tensor among the arguments has a size that a trace may not know."""
    return any(spec.kind == "tensor" and spec.array.ndim for spec in tensors_in(case.arguments))


def run(case, tf, mode=eager):
    try:
        entry, failed = {}, None
        if case.grad and any(spec.differentiable for spec in tensors_in(case.arguments)):
            try:
                result = _with_gradient(case, tf, mode)
                entry = {"out": freeze(tf, result["out"])}
                if "grad" in result:
                    entry["grad"] = freeze(tf, result["grad"])
            except Unfreezable:
                raise
            except Exception as e:
                failed = error(e)
        if not entry:
            entry = {"out": freeze(tf, _plainly(case, tf, mode))}
            if failed is not None:  # the call itself is right: it is the gradient that fails
                entry["grad"] = failed
        return entry
    except Unfreezable:
        raise
    except Exception as e:
        return error(e)


def _with_gradient(case, tf, mode):
    sources, rebuild = _arguments(case, tf)
    wanted = [i for i, (spec, _) in enumerate(sources) if spec.differentiable]

    def step(*tensors):
        with tf.GradientTape() as tape:
            for i in wanted:
                tape.watch(tensors[i])
            out = case.body(tf, rebuild(tensors))
        targets = [x for x in _leaves(tf, out) if x.dtype.is_floating or x.dtype.is_complex]
        if not targets:
            return {"out": out}
        weights = [_cotangent(tf, x, k) for k, x in enumerate(targets)]
        grad = tape.gradient(targets, [tensors[i] for i in wanted], output_gradients=weights)
        return {"out": out, "grad": grad}

    return mode(tf, step, [made for _, made in sources])


def _plainly(case, tf, mode):
    sources, rebuild = _arguments(case, tf)
    return mode(tf, lambda *tensors: case.body(tf, rebuild(tensors)), [made for _, made in sources])


def _arguments(case, tf):
    """The tensors among the arguments, made, and how to put them (or their stand-ins) back in place."""
    sources = []

    def collect(x):
        if isinstance(x, t):
            sources.append((x, x.make(tf)))
        return x

    walk(case.arguments, collect)

    def rebuild(tensors):
        remaining = iter(tensors)

        def put(x):
            if isinstance(x, t):
                return next(remaining)
            return x.make(tf) if isinstance(x, attr) else x

        return walk(case.arguments, put)

    return sources, rebuild


def _leaves(tf, out):
    if isinstance(out, (list, tuple)):
        return [leaf for item in out for leaf in _leaves(tf, item)]
    if isinstance(out, dict):
        return [leaf for item in out.values() for leaf in _leaves(tf, item)]
    return [out] if isinstance(out, (tf.Tensor, tf.Variable)) else []


def _cotangent(tf, x, k):
    """A fixed weight for every element of the k-th result: odd sixteenths about 0, exact in every dtype."""
    if not x.shape.is_fully_defined():
        index = tf.reshape(tf.range(tf.size(x)), tf.shape(x))
        weight = tf.cast(((index * 37 + 11 * k) % 17 - 8) * 2 + 1, tf.float64) / 16
        return tf.cast(tf.complex(weight, -weight / 2) if x.dtype.is_complex else weight, x.dtype)
    shape = x.shape.as_list()
    index = np.arange(math.prod(shape)).reshape(shape)
    weight = (((index * 37 + 11 * k) % 17 - 8) * 2 + 1) / 16
    if x.dtype.is_complex:
        weight = weight - 0.5j * weight
    return tf.constant(weight.astype(numpy_dtype(x.dtype.name)), dtype=x.dtype)
