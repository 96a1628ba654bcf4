"""`while_loop` and `for_loop` in a trace, as one node each; and the types of their variables, round by round."""

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownRank, public
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.tracing.branch import append, assigned_in, traced
from tapeflow.tracing.loop_node import LOOP
from tapeflow.tracing.structures import opened, settled, tensor_of


def while_loop(
    cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
    maximum_iterations=None, name=None, names=None,
):  # fmt: skip
    """See `tapeflow.ops.control_flow.while_loop`; here in a trace, as one node. `names`: AutoGraph's, for errors."""
    if maximum_iterations is not None:
        return _limited(cond, body, loop_vars, shape_invariants, maximum_iterations, names)
    structure, flat, put, types = _entered(lambda: body(*loop_vars), list(loop_vars), shape_invariants)

    def run(*values):
        found = body(*put(list(values)))
        one = len(loop_vars) == 1
        if one and (not isinstance(found, (list, tuple)) or nest.is_nested(structure[0]) and len(found) != 1):
            found = [found]
        return _left(structure, list(found))

    loop, (found, last) = traced("body", run, types)
    _check_rounds(flat, types, found, structure, names)
    test, pred = traced(
        "test", lambda *values: thread.trace.lift(tensor_of(cond(*put(list(values))))), types,
        frozenset(assigned_in(loop.graph)),
    )  # fmt: skip
    if assigned_in(test.graph) & set(loop.hoisted):  # what the test assigns, the body reads anew
        loop, (found, last) = traced("body", run, types, frozenset(assigned_in(test.graph)))
    outs = append(
        LOOP, [*flat, *test.captures, *loop.captures],
        (test.finished([pred]), loop.finished(found), len(flat), len(test.captures), 0, False, False, 0),
        [(public(shape), dtype) for shape, dtype in types],
    )  # fmt: skip
    packed = last(outs)
    return packed if isinstance(loop_vars, list) else type(loop_vars)(packed)


def for_loop(body, loop_vars, rows, reverse=False, shape_invariants=None, names=None):
    """A loop over the rows of tensors, as one node: the last `loop_vars`, a list, and a list of stacks.

    `body(*loop_vars, *rows)` gives the next variables, in the same structure, and a list of tensors to be stacked.
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.shaping import shape

    rows = [convert_to_tensor(t) for t in rows]
    of_rows = [(t._shape[1:], t._dtype) for t in rows]
    structure, flat, put, types = _entered(
        lambda *row: body(*loop_vars, *row)[0], list(loop_vars), shape_invariants, of_rows
    )
    n = len(flat)

    def run(*values):
        found, stacked = body(*put(list(values[:n])), *values[n:])
        return (*_left(structure, list(found)), [thread.trace.lift(tensor_of(t)) for t in stacked])

    loop, (found, last, stacked) = traced("body", run, [*types, *of_rows])
    _check_rounds(flat, types, found, structure, names)
    outs = append(
        LOOP, [*flat, cast(shape(rows[0])[0], "int64"), *loop.captures, *rows],
        (None, loop.finished([*found, *stacked], n, len(rows)), n, 1, len(rows), reverse, False, len(stacked)),
        [(public(shape), dtype) for shape, dtype in types]
        + [((public(rows[0]._shape)[0], *public(t._shape)), t._dtype) for t in stacked],
    )  # fmt: skip
    return last(outs[:n]), outs[n:]


def _entered(body, structure, shape_invariants, of_rows=()):
    """The loop's variables: their structure, tensors, how to put others in their places, and their types."""
    structure = _begun(body, structure, of_rows)
    flat, put = opened(structure)
    types = [(t._shape, t._dtype) for t in flat]
    if shape_invariants is not None:
        return structure, flat, put, _said(list(shape_invariants), structure, types)
    loose = _loose_axes(structure)
    return structure, flat, put, [
        (tuple([None if axis in axes else k for axis, k in enumerate(shape)]), dtype)
        for (shape, dtype), axes in zip(types, loose)
    ]


def _left(structure, found):
    """What a round gives, as tensors of the trace, and how to put others in their places."""
    try:
        nest.assert_same_structure(structure, found, check_types=False)
    except TypeError as error:
        raise ValueError(str(error)) from None
    after, last = opened(found)
    return [thread.trace.lift(t) for t in after], last


def _limited(cond, body, loop_vars, shape_invariants, maximum_iterations, names):
    from tapeflow.ops.compare import logical_and

    limit = convert_to_tensor(maximum_iterations)
    count = convert_to_tensor(0, limit.dtype)

    def counting(i, *values):
        found = body(*values)
        return (i + 1, *(found if isinstance(found, (list, tuple)) else [found]))

    found = while_loop(
        lambda i, *values: logical_and(i < limit, cond(*values)), counting, [count, *loop_vars],
        None if shape_invariants is None else [count.shape, *shape_invariants], names=names and ["the count", *names],
    )  # fmt: skip
    return type(loop_vars)(found[1:])


def _begun(body, structure, of_rows):
    """The loop's variables, those that do not know yet what they will hold with what the first round tells."""
    if not any(hasattr(type(leaf), "_parts") and leaf._is_blank() for leaf in nest.flatten(structure)):
        return structure

    def once(*row):
        found = body(*row)
        return nest.map_structure(settled, list(found) if isinstance(found, (list, tuple)) else [found])

    _, after = traced("first", once, of_rows)
    leaves = [
        old._like(new) if hasattr(type(old), "_parts") and old._is_blank() else old
        for old, new in zip(nest.flatten(structure), nest.flatten(after))
    ]
    return nest.pack_sequence_as(structure, leaves)


def _loose_axes(structure):
    """For each tensor of a structure, the axes whose size may change from round to round."""
    out = []
    for leaf in nest.flatten(structure):
        out += [] if leaf is None else leaf._loose_axes() if hasattr(type(leaf), "_parts") else [()]
    return out


def _said(invariants, structure, types):
    """The types of the loop's variables under `shape_invariants`."""
    out, types = [], iter(types)
    for leaf, shape in _pairs(structure, invariants):
        if leaf is None:
            continue
        if hasattr(type(leaf), "_parts"):
            for loose in leaf._loose_axes():
                known, dtype = next(types)
                out.append((tuple([None if axis in loose else k for axis, k in enumerate(known)]), dtype))
            continue
        known, dtype = next(types)
        shape = TensorShape(shape.shape if hasattr(shape, "shape") else shape)
        if shape.rank is not None and not shape.is_compatible_with(public(known)):
            raise ValueError(
                f"The shape invariant specified for a loop variable, {shape}, is not compatible with its initial "
                f"shape, {TensorShape._of(public(known))}."
            )
        out.append((None if shape.rank is None else tuple(shape.as_list()), dtype))
    return out


def _pairs(structure, invariants):
    """Each leaf of a structure with its shape: a shape is no structure."""
    if isinstance(structure, dict):
        return [pair for key in sorted(structure) for pair in _pairs(structure[key], invariants[key])]
    if isinstance(structure, (list, tuple)):
        return [pair for item, shapes in zip(structure, invariants, strict=True) for pair in _pairs(item, shapes)]
    return [(structure, invariants)]


def _check_rounds(flat, types, found, structure, names):
    """Raise TensorFlow's error if what a round gives is of another type than what it takes."""
    if names is not None:
        names = [name for name, value in zip(names, structure) for _ in nest.flatten(value)]
    for i, (before, (shape, _), after) in enumerate(zip(flat, types, found)):
        if before._dtype != after._dtype:
            if names is not None:
                raise TypeError(
                    f"{names[i]!r} has dtype {before.dtype.name} before the loop, but dtype {after.dtype.name} after "
                    "one iteration"
                )
            raise TypeError(
                f"Input tensor enters the loop with dtype {before.dtype!r}, but has dtype {after.dtype!r} after one "
                "iteration."
            )
        if shape is None or shape.__class__ is UnknownRank:
            continue
        if after._shape.__class__ is UnknownRank or len(shape) != len(after._shape) or any(
            m.__class__ is int and not (n.__class__ is int and m == n) for m, n in zip(shape, after._shape)
        ):
            entry = str(TensorShape._of(public(shape)))
            if names is not None:
                raise ValueError(
                    f"{names[i]!r} has shape {entry} before the loop, but shape {after.shape} after one iteration. Use "
                    "tf.autograph.experimental.set_loop_options to set shape invariants."
                )
            raise ValueError(
                f"Input tensor enters the loop with shape {entry}, but has shape {after.shape} after one iteration. To "
                "allow the shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop to "
                "specify a less-specific shape."
            )


__all__ = ["for_loop", "while_loop"]
