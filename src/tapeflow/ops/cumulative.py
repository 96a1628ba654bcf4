"""Running reductions along an axis: cumsum, cumprod, cumulative_logsumexp."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply, bracketed
from tapeflow.engine.dtypes import FLOAT, LOW, NUMBER
from tapeflow.engine.primitive import general, linear
from tapeflow.ops.sized import sized_where_asked

# Their attributes: `axis`, an int from 0, `exclusive` (without the element itself), `reverse` (from the end).


def _running(function, start):
    """The kernel of a NumPy ufunc's `accumulate`, whose value for nothing is `start`."""

    def kernel(x, axis, exclusive, reverse):
        wide = x.astype(np.float32) if x.dtype in LOW else x
        if reverse:
            wide = np.flip(wide, axis)
        out = np.empty(wide.shape, wide.dtype)
        ahead = (slice(None),) * axis
        if exclusive:
            out[(*ahead, slice(0, 1))] = start
            function.accumulate(wide[(*ahead, slice(0, -1))], axis, wide.dtype, out[(*ahead, slice(1, None))])
        else:
            function.accumulate(wide, axis, wide.dtype, out)
        return (np.flip(out, axis) if reverse else out).astype(x.dtype, copy=False)

    return kernel


def _within(prim):
    """The batching rule: the same axis, after the batch."""
    return lambda x, axis, *rest: apply(prim(), (x,), (axis + 1, *rest))


CUMSUM = linear(
    "Cumsum", _running(np.add, 0), NUMBER,
    lambda g, axis, exclusive, reverse: apply(CUMSUM, (g,), (axis, exclusive, not reverse)),
    attrs="axis exclusive reverse", batch=_within(lambda: CUMSUM),
)  # fmt: skip


def _shift(x, axis, places):
    """`x` moved `places` along an axis (backward if negative), zeros at the end that falls free."""
    out = np.zeros_like(x)
    ahead = (slice(None),) * axis
    if places > 0:
        out[(*ahead, slice(places, None))] = x[(*ahead, slice(None, -places))]
    else:
        out[(*ahead, slice(None, places))] = x[(*ahead, slice(-places, None))]
    return out


SHIFT = linear(
    "Shift", _shift, None, lambda g, axis, places: apply(SHIFT, (g,), (axis, -places)), attrs="axis places",
    batch=_within(lambda: SHIFT),
)  # fmt: skip


def _recur(g, factor, axis, step):
    """The solution s of s[i] = g[i] + factor[i] s[i - step], s being 0 outside, in log2(n) sweeps."""
    places, size = step, g._shape[axis]
    while -size < places < size:
        g = g + factor * apply(SHIFT, (g,), (axis, places))
        factor = factor * apply(SHIFT, (factor,), (axis, places))
        places += places
    return g


def _cumprod_vjp(g, x, axis, exclusive, reverse):
    """The product of what is before x[i], times the sum over k of g[k] times the product of what is between.

    That is right where elements are zero, too, which the usual cumsum(g * y) / x is not.
    """
    from tapeflow.ops.elementwise import conj

    x = conj(x)
    step = 1 if reverse else -1
    after = apply(SHIFT, (g,), (axis, step)) if exclusive else g
    return apply(CUMPROD, (x,), (axis, True, reverse)) * _recur(
        after, apply(SHIFT, (x,), (axis, step)), axis, step
    )


CUMPROD = general(
    "Cumprod", _running(np.multiply, 1), NUMBER, _cumprod_vjp, attrs="axis exclusive reverse",
    batch=_within(lambda: CUMPROD),
)  # fmt: skip


def _cumulative_logsumexp_vjp(g, x, axis, exclusive, reverse):
    """The sum over k of g[k] exp(x[i] - y[k]), over those that x[i] enters; no exponent is positive."""
    from tapeflow.ops.elementwise import exp, minimum

    y = apply(CUMULATIVE_LOGSUMEXP, (x,), (axis, False, reverse))
    step = 1 if reverse else -1
    after = apply(SHIFT, (g,), (axis, step)) if exclusive else g
    return exp(x - y) * _recur(after, exp(minimum(y - apply(SHIFT, (y,), (axis, step)), 0)), axis, step)


CUMULATIVE_LOGSUMEXP = general(
    "CumulativeLogsumexp", _running(np.logaddexp, -np.inf), FLOAT, _cumulative_logsumexp_vjp,
    attrs="axis exclusive reverse", batch=_within(lambda: CUMULATIVE_LOGSUMEXP),
)  # fmt: skip


@sized_where_asked
def _run(prim, x, axis, exclusive, reverse):
    from tapeflow.ops.reduce import static_ints

    x = convert_to_tensor(x, name="x")
    axis = (
        axis
        if axis.__class__ is int
        else convert_to_tensor(axis, "int32")
        if axis.__class__ is float
        else axis
    )
    shape = () if axis.__class__ is int else convert_to_tensor(axis)._shape
    if shape:
        raise invalid_argument(
            f"ScanOp: axis must be a scalar, not {bracketed(shape)} [Op:{prim.name}] name: "
        )
    (item,) = static_ints(axis, prim.name)
    rank = len(x._shape)
    if not -rank <= item < rank:
        raise invalid_argument(
            f"ScanOp: Expected scan axis in the range [{-rank}, {rank}), but got {item} "
            f"[Op:{prim.name}] name: "
        )
    return apply(prim, (x,), (item % rank, bool(exclusive), bool(reverse)))


# The public operations.


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """The running sum along `axis`, without the element itself if `exclusive`, from the end if `reverse`.

    >>> import tapeflow as tf
    >>> tf.cumsum([1, 2, 3]).numpy().tolist()
    [1, 3, 6]
    """
    return _run(CUMSUM, x, axis, exclusive, reverse)


def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
    """The running product along `axis`, without the element itself if `exclusive`, from the end if `reverse`.

    >>> import tapeflow as tf
    >>> tf.math.cumprod([1, 2, 3]).numpy().tolist()
    [1, 2, 6]
    """
    return _run(CUMPROD, x, axis, exclusive, reverse)


def cumulative_logsumexp(x, axis=0, exclusive=False, reverse=False, name=None):
    """The running log(sum(exp(x))) along `axis`, without overflow.

    >>> import tapeflow as tf
    >>> tf.math.cumulative_logsumexp([0., 0.]).numpy().round(3).tolist()
    [0.0, 0.6930000185966492]
    """
    return _run(CUMULATIVE_LOGSUMEXP, x, axis, exclusive, reverse)
