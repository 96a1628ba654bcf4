"""Every primitive, in float64, at every sample that its family states (`samples_<family>.py`).

Nothing here knows an operation: what must hold follows from the statement. A primitive without samples fails, so a
new one is swept without anyone remembering to.
"""

import importlib
import pkgutil
import zlib
from pathlib import Path

import numpy as np
import pytest

import tapeflow.autodiff
import tapeflow.ops
from tapeflow.autodiff import ForwardAccumulator, GradientTape
from tapeflow.autodiff.batching import batched_call
from tapeflow.core.tensor import EagerTensor, Like
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import ELEMENTWISE, LINEAR, MISSING, NONE, PRIMITIVES

# Primitives that have no samples, and why.
_FUNCTION = "part of a traced function; see tests/tracing/test_control_flow.py"
NOT_SWEPT = {
    **dict.fromkeys(
        ("ReadVariable", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "Shape", "Const", "If",
         "While"), _FUNCTION,
    ),
    "ResourceScatter": "changes a variable in a traced function; see tests/tracing/test_variables.py",
    "SizedCall": "it is what its function is; see tests/tracing/test_sizes.py",
    "ValuedCall": "it is what its function is; see tests/tracing/test_sizes.py",
    "CustomCall": "its derivative is the user's; see tests/tracing/test_function.py",
    "CustomGradient": "its derivative is the user's; see tests/autodiff/test_custom_gradient.py",
    **dict.fromkeys(
        ("EagerPyFunc", "EagerPyFuncGrad", "PyFunc", "PyCall", "Assert"),
        "runs the user's Python; see tests/core/test_host.py and tests/tracing/test_python.py",
    ),
}

for package in (tapeflow.ops, tapeflow.autodiff):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

SAMPLES = {}
for path in sorted(Path(__file__).parent.glob("samples_*.py")):
    for key, samples in importlib.import_module(f"{__package__}.{path.stem}").SAMPLES.items():
        SAMPLES.setdefault(key, []).extend(samples)

CASES = [(prim, i) for prim in PRIMITIVES for i in range(len(SAMPLES.get(prim.name, ())))]
DIFFERENTIABLE = [(prim, i) for prim, i in CASES if prim.kind not in (NONE, MISSING)]


def name_of(case):
    return f"{case[0].name}-{case[1]}"


def sample(prim, index):
    """The operands (float64 arrays and others) and attributes of a sample, the same ones every time."""
    given = SAMPLES[prim.name][index]
    if callable(given):
        given = given(np.random.default_rng(zlib.crc32(prim.name.encode()) + index))
    arrays, attrs = given
    return [np.asarray(array) for array in arrays], attrs


def generator(prim, index):
    return np.random.default_rng([index, *prim.name.encode()])


def is_inexact(array):
    return array.dtype.kind in "fc"


def like(rng, array):
    """A random direction in the space of `array`."""
    value = rng.normal(size=array.shape)
    if array.dtype.kind == "c":
        value = value + 1j * rng.normal(size=array.shape)
    return np.asarray(value, array.dtype)


def tensors(arrays):
    return [EagerTensor(np.array(array)) for array in arrays]


def as_function(prim, attrs, arrays):
    """The primitive as a function from its inexact operands' tensors to a list of its inexact outputs' tensors."""

    def function(*inexact):
        supply = iter(inexact)
        operands = tuple([next(supply) if is_inexact(a) else EagerTensor(np.array(a)) for a in arrays])
        out = apply(prim, operands, attrs)
        return [t for t in (out if prim.many else [out]) if t.dtype.is_floating or t.dtype.is_complex]

    return function


def values(found):
    return [np.asarray(t._array) for t in found]


def vjp(function, points, cotangents):
    """The cotangents of the operands, as tensors, None where there is no derivative."""
    with GradientTape() as tape:
        tape.watch(points)
        out = function(*points)
    return tape.gradient(out, points, output_gradients=cotangents)


def jvp(function, points, tangents):
    with ForwardAccumulator(points, tangents) as accumulator:
        out = function(*points)
    return [
        np.zeros_like(np.asarray(o._array)) if t is None else np.asarray(t._array)
        for o, t in zip(out, [accumulator.jvp(o) for o in out], strict=True)
    ]


def inner(us, vs):
    """The real inner product, which is the one that TensorFlow's complex gradients are transposes in."""
    return sum(float(np.real(np.vdot(u, v))) for u, v in zip(us, vs, strict=True))


def check_derivatives(function, arrays, rng):
    """Both modes of `function` at `arrays` against central differences and against each other."""
    points = tensors(arrays)
    outs = values(function(*points))
    us = [like(rng, out) for out in outs]
    found = vjp(function, points, tensors(us))
    has = [g is not None for g in found]
    vs = [like(rng, a) if h else np.zeros_like(a) for a, h in zip(arrays, has, strict=True)]

    pushed = jvp(function, points, tensors(vs))
    step = 1e-5
    ahead = values(function(*tensors([a + step * v for a, v in zip(arrays, vs, strict=True)])))
    behind = values(function(*tensors([a - step * v for a, v in zip(arrays, vs, strict=True)])))
    for tangent, up, down, out in zip(pushed, ahead, behind, outs, strict=True):
        assert tangent.shape == out.shape and tangent.dtype == out.dtype
        difference = (up - down) / (2 * step)
        scale = 1 + np.max(np.abs(difference), initial=0) + 1e-2 * np.max(np.abs(out), initial=0)
        np.testing.assert_allclose(tangent, difference, rtol=0, atol=2e-7 * scale, err_msg="jvp, finite differences")

    pulled = [np.asarray(g._array) for g in dense(found) if g is not None]
    for g, a in zip(pulled, [a for a, h in zip(arrays, has, strict=True) if h], strict=True):
        assert g.shape == a.shape and g.dtype == a.dtype
    left = inner(us, pushed)
    right = inner(pulled, [v for v, h in zip(vs, has, strict=True) if h])
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8 * (1 + abs(left)), err_msg="<u, Jv> = <J'u, v>")
    return us, has


def dense(found):
    from tapeflow.ops import space

    return [space.dense(g) for g in found]


def test_every_primitive_has_samples():
    missing = sorted({p.name for p in PRIMITIVES} - set(SAMPLES) - set(NOT_SWEPT))
    assert not missing, f"no samples for {missing}: add them to tests/sweep/samples_<family>.py"


def test_every_sample_has_a_primitive():
    assert not sorted(set(SAMPLES) - {p.name for p in PRIMITIVES})


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=name_of)
def test_derivatives(case):
    prim, index = case
    arrays, attrs = sample(prim, index)
    inexact = [a for a in arrays if is_inexact(a)]
    check_derivatives(as_function(prim, attrs, arrays), inexact, generator(prim, index))


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=name_of)
def test_second_order(case):
    """The vjp is a function like any other: both of its modes must hold too, in the operands and in the cotangent."""
    prim, index = case
    arrays, attrs = sample(prim, index)
    inexact = [a for a in arrays if is_inexact(a)]
    rng = generator(prim, index)
    function = as_function(prim, attrs, arrays)
    outs = values(function(*tensors(inexact)))
    us = [like(rng, out) for out in outs]
    has = [g is not None for g in vjp(function, tensors(inexact), tensors(us))]

    def pullback(*operands):
        points, cotangents = operands[: len(inexact)], operands[len(inexact) :]
        return [g for g, h in zip(dense(vjp(function, list(points), list(cotangents))), has, strict=True) if h]

    check_derivatives(pullback, [*inexact, *us], rng)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_batched_equals_looped(case):
    prim, index = case
    arrays, attrs = sample(prim, index)
    rng = generator(prim, index)
    size = 3
    for batched in patterns(len(arrays)):
        stacks = [
            np.stack([a + 0.01 * like(rng, a) if is_inexact(a) else a for _ in range(size)]) if b else a
            for a, b in zip(arrays, batched, strict=True)
        ]

        def call(*examples, batched=batched, stacks=stacks):
            supply = iter(examples)
            operands = [next(supply) if b else EagerTensor(np.array(a)) for a, b in zip(stacks, batched, strict=True)]
            out = apply(prim, tuple(operands), attrs)
            return list(out) if prim.many else [out]

        together = values(batched_call(call, tensors([s for s, b in zip(stacks, batched, strict=True) if b])))
        for i in range(size):
            alone = values(call(*tensors([s[i] for s, b in zip(stacks, batched, strict=True) if b])))
            for one, of_all in zip(alone, together, strict=True):
                assert one.shape == of_all.shape[1:] and one.dtype == of_all.dtype
                if one.dtype == object:
                    assert [one.tolist()] == of_all[i : i + 1].tolist()
                else:
                    np.testing.assert_allclose(of_all[i], one, rtol=1e-10, atol=1e-12)


def patterns(count):
    """Which operands carry the batch: all of them, and each by itself."""
    if not count:
        return []
    alone = [[i == j for i in range(count)] for j in range(count)] if 1 < count <= 4 else []
    return [[True] * count, *alone]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=name_of)
def test_the_tape_keeps_only_what_the_rules_name(case):
    prim, index = case
    arrays, attrs = sample(prim, index)
    points = tensors(arrays)
    with GradientTape() as tape:
        tape.watch([p for p, a in zip(points, arrays, strict=True) if is_inexact(a)])
        apply(prim, tuple(points), attrs)
    if not tape._records:
        return  # integer operands only
    _, mask, kept, _, out, _ = tape._records[-1]
    flags, wants_out = prim.keeps(mask)
    if prim.operands != ("*",):
        for operand, kept_operand, position in zip(points, kept, range(len(points)), strict=True):
            named = flags is None or flags[position]
            if not named and operand._array.ndim:
                assert isinstance(kept_operand, Like), f"{prim.operands[position]} is kept and no rule names it"
    if not wants_out and not prim.many:
        assert out is None


def test_statements_are_consistent():
    for prim in PRIMITIVES:
        if prim.kind in (ELEMENTWISE, LINEAR) and prim.operands != ("*",):
            assert len(prim.rules) == len(prim.operands), prim.name
