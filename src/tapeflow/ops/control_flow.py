"""Control flow where every operation runs at once: Python's own, in TensorFlow's words."""

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype
from tapeflow.core.errors import InvalidArgumentError, OutOfRangeError
from tapeflow.core.listening import thread
from tapeflow.core.spec import TypeSpec
from tapeflow.core.tensor import Tensor


def cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` if `pred`, a boolean scalar, is true, else `false_fn()`.

    Raises TypeError if one of them is not callable.

    >>> import tapeflow as tf
    >>> x = tf.constant(2.0)
    >>> tf.cond(x > 1.0, lambda: x * x, lambda: x).numpy().item()
    4.0
    """
    for label, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"'{label}' must be callable.")
    if thread.trace is not None:
        from tapeflow.tracing.cond import cond as traced

        if isinstance(pred, bool):
            raise TypeError(f"pred must not be a Python bool, and was {pred}: use a tensor, or Python's own `if`.")
        return traced(convert_to_tensor(pred), true_fn, false_fn)
    if pred is None:
        convert_to_tensor(pred)
    if hasattr(pred, "_payload"):  # one of a batch: both happen, and each example picks its own
        return _picked(pred, true_fn(), false_fn())
    return true_fn() if pred else false_fn()


def _picked(pred, one, two):
    """For each example of a batch, the tensors of `one` where `pred` is true, else those of `two`."""
    from tapeflow.ops.compare import where

    return nest.map_structure(lambda a, b: None if a is None else where(pred, a, b), one, two)


def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """The function of the first pair `(pred, function)` whose `pred` is true, called; else `default()`.

    Raises InvalidArgumentError if none is true and there is no default.

    >>> import tapeflow as tf
    >>> x = tf.constant(3.0)
    >>> tf.case([(x < 1.0, lambda: 1), (x < 5.0, lambda: 5)], default=lambda: 9)
    5
    """
    pairs = _pairs_of_case(pred_fn_pairs, default, exclusive)
    if exclusive or default is None:
        _check_conditions([pred for pred, _ in pairs], exclusive, default is None)
    if thread.trace is not None:
        return _traced_case(pairs, default)
    for pred, function in pairs:
        if pred:
            return function()
    return default()


def _pairs_of_case(given, default, exclusive):
    """The pairs of a condition and a function, as a list. Raises TypeError or ValueError for others."""
    if not isinstance(given, (list, tuple, dict)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received {type(given)}")
    if isinstance(given, dict):
        if not exclusive and thread.trace is None:
            raise ValueError(
                "Unordered dictionaries are not supported for the 'pred_fn_pairs' argument when `exclusive=False` and "
                "eager mode is enabled."
            )
        given = [(key.deref() if hasattr(key, "deref") else key, function) for key, function in given.items()]
    for pair in given:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair}.")
        pred, function = pair
        if isinstance(pred, Tensor) and pred.dtype != "bool":
            raise TypeError(f"pred must be Tensor of dtype=bool, and was of {pred.dtype.name}.")
        if not callable(function):
            raise TypeError(f"fn for pred {pred} must be callable.")
    if default is not None and not callable(default):
        raise TypeError("default must be callable.")
    if not given:
        raise ValueError("'pred_fn_pairs' must have at least one pair of a condition and a function.")
    return list(given)


def _check_conditions(preds, exclusive, one):
    """Assert that at most one of the conditions is true, if they are `exclusive`, and at least `one`."""
    from tapeflow.ops.casting import cast
    from tapeflow.ops.debugging import Assert
    from tapeflow.ops.packing import stack
    from tapeflow.ops.reduce import reduce_any, reduce_sum

    preds = stack([convert_to_tensor(pred) for pred in preds])
    if one:
        Assert(reduce_any(preds), ["Input error: None of conditions evaluated as True:", preds])
    if exclusive:
        many = cast(reduce_sum(cast(preds, "int32")) < 2, "bool")
        Assert(many, ["Input error: exclusive=True: more than 1 conditions evaluated as True:", preds])


def _traced_case(pairs, default):
    (pred, function), *rest = pairs
    if not rest:
        return cond(pred, function, default) if default is not None else function()
    return cond(pred, function, lambda: _traced_case(rest, default))


def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """The function of number `branch_index`, a scalar integer tensor, called; the default or last one out of range.

    Raises TypeError if `branch_index` is no integer tensor.

    >>> import tapeflow as tf
    >>> tf.switch_case(tf.constant(1), [lambda: "a", lambda: "b"])
    'b'
    """
    if not isinstance(branch_index, Tensor):
        raise TypeError(f"'branch_index' must be a Tensor, got {type(branch_index)}")
    if not branch_index.dtype.is_integer:
        raise TypeError(f"'branch_index' must be an integer Tensor, got {branch_index.dtype}")
    branches = _branches(branch_fns)
    if thread.trace is not None:
        last = default or branches[max(branches)]
        return _traced_case([(branch_index == number, branches[number]) for number in branches], last)
    return branches.get(int(branch_index), default or branches[max(branches)])()


def _any_of(tensor):
    """Whether a tensor of a batch, or of a batch of batches, is true for any example."""
    while hasattr(tensor, "_payload"):
        tensor = tensor._payload
    return bool(tensor.numpy().any())


def _branches(given):
    """The functions of `tf.switch_case` by number. Raises TypeError or ValueError for what are none."""
    if not isinstance(given, (list, tuple, dict)):
        raise TypeError(f"'branch_fns' must be a list, tuple, or dict. Received {type(given)}")
    if not given:
        raise ValueError("Must provide at least one item in 'branch_fns'")
    pairs = list(given.items()) if isinstance(given, dict) else list(given)
    if all([callable(function) for function in pairs]):
        pairs = list(enumerate(pairs))
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'branch_fns' must be a 2-tuple. Received {pair}.")
        number, function = pair
        if not isinstance(number, int):
            raise TypeError(f"key must be a Python `int`, got {type(number)}")
        if not callable(function):
            raise TypeError(f"fn for key {number} must be callable.")
    branches = dict(pairs)
    if len(branches) < len(pairs) or set(branches) != set(range(len(pairs))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(pairs)}) but found "
            f"{{{', '.join(map(str, sorted(branches)))}}}"
        )
    return branches


def while_loop(
    cond,
    body,
    loop_vars,
    shape_invariants=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    maximum_iterations=None,
    name=None,
):
    """Repeat `loop_vars = body(*loop_vars)` while `cond(*loop_vars)`.

    Args:
      cond: a function of the loop's variables to a boolean scalar.
      body: a function of the loop's variables to their next values, in the same structure.
      loop_vars: a list or tuple of tensors or nested structures of them.
      shape_invariants: not used: shapes may change.
      parallel_iterations: not used.
      back_prop: not used: gradients flow.
      swap_memory: not used.
      maximum_iterations: how often to repeat at most.
      name: not used.

    Returns:
      The last values, tensors, in the structure of `loop_vars`.

    Raises:
      ValueError: there are no variables, or `body` returns another structure.

    >>> import tapeflow as tf
    >>> i, total = tf.while_loop(lambda i, total: i < 5, lambda i, total: (i + 1, total + i), (0, 0))
    >>> total.numpy().item()
    10
    """
    if not isinstance(loop_vars, (list, tuple)) or not loop_vars and thread.trace is None:
        raise ValueError("'loop_vars' must be provided.")
    if parallel_iterations is None or parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    for label, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"'{label}' must be callable.")
    if thread.trace is not None:
        from tapeflow.tracing.loops import while_loop as traced

        return traced(cond, body, loop_vars, shape_invariants, maximum_iterations=maximum_iterations)
    one = len(loop_vars) == 1
    limit = None if maximum_iterations is None else int(maximum_iterations)
    count = 0
    while limit is None or count < limit:
        going = cond(*loop_vars)
        if hasattr(going, "_payload"):  # one of a batch: those that have ended stay as they are
            if not _any_of(going):
                break
        elif not going:
            break
        values = body(*loop_vars)
        if one and not isinstance(values, (list, tuple)):
            values = [values]
        nest.assert_same_structure(list(loop_vars), list(values))
        loop_vars = _picked(going, list(values), list(loop_vars)) if hasattr(going, "_payload") else values
        count += 1
    return nest.map_structure(lambda v: v if hasattr(type(v), "_parts") else convert_to_tensor(v), loop_vars)


def map_fn(
    fn,
    elems,
    dtype=None,
    parallel_iterations=None,
    back_prop=True,
    swap_memory=False,
    infer_shape=True,
    name=None,
    fn_output_signature=None,
):
    """`fn` of each row of `elems`, stacked.

    Args:
      fn: a function of one row, in the structure of `elems`, to a tensor or nested structure of them.
      elems: a tensor or nested structure of them, of rank 1 or more and with the same number of rows.
      dtype: the same as `fn_output_signature`, under an old name.
      parallel_iterations: not used.
      back_prop: not used: gradients flow.
      swap_memory: not used.
      infer_shape: not used.
      name: not used.
      fn_output_signature: the dtypes, or specs, of what `fn` gives, in its structure; those of `elems` if None.

    Raises:
      ValueError: there is no tensor, a scalar, or another structure than was said.
      InvalidArgumentError: `fn` gives another dtype than was said.

    >>> import tapeflow as tf
    >>> tf.map_fn(lambda x: x * x, tf.constant([1, 2, 3])).numpy().tolist()
    [1, 4, 9]
    """
    from tapeflow.ops.packing import stack, unstack

    if not callable(fn):
        raise TypeError(f"The provided function {fn} is not callable.fn must be callable.")
    flat = [convert_to_tensor(item) for item in nest.flatten(elems)]
    if not flat:
        raise ValueError(
            "elems must be a Tensor or (possibly nested) sequence of Tensors. Got "
            f"{elems}, which does not contain any Tensors."
        )
    if any(item.ndim == 0 for item in flat):
        raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
    signature = dtype if fn_output_signature is None else fn_output_signature
    if signature is None:
        signature = nest.pack_sequence_as(elems, [item.dtype for item in flat])
    dtypes = [item.dtype if isinstance(item, TypeSpec) else as_dtype(item) for item in nest.flatten(signature)]
    if thread.trace is not None:
        return _traced_map(fn, elems, flat, signature, dtypes)
    columns = []
    for row in zip(*[unstack(item) for item in flat], strict=True):
        result = fn(nest.pack_sequence_as(elems, list(row)))
        nest.assert_same_structure(signature, result)
        columns.append([convert_to_tensor(item) for item in nest.flatten(result)])
        for tensor, wanted in zip(columns[-1], dtypes, strict=True):
            if tensor.dtype is not wanted:
                raise _wrong_dtype(wanted, tensor)
    if not columns:
        return nest.pack_sequence_as(signature, [convert_to_tensor([], wanted) for wanted in dtypes])
    return nest.pack_sequence_as(signature, [stack(column) for column in zip(*columns, strict=True)])


def _traced_map(fn, elems, flat, signature, dtypes):
    from tapeflow.tracing.loops import for_loop

    def body(*row):
        result = fn(nest.pack_sequence_as(elems, list(row)))
        nest.assert_same_structure(signature, result)
        out = [convert_to_tensor(item) for item in nest.flatten(result)]
        for tensor, wanted in zip(out, dtypes, strict=True):
            if tensor.dtype is not wanted:
                raise _wrong_dtype(wanted, tensor)
        return [], out

    return nest.pack_sequence_as(signature, for_loop(body, [], flat)[1])


def _wrong_dtype(wanted, tensor):
    return InvalidArgumentError(
        None, None, f"TensorArray dtype is {wanted._proto} but Op is trying to write dtype {tensor.dtype._proto} "
    )


def foldl(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """`fn` of what there is so far and the next row of `elems`, from the first row to the last.

    Args:
      fn: a function of the accumulated value and one row, in the structure of `elems`, to the next value.
      elems: a tensor or nested structure of them, of rank 1 or more and with the same number of rows.
      initializer: the value to start from; the first row if None.
      parallel_iterations, back_prop, swap_memory, name: not used.

    >>> import tapeflow as tf
    >>> tf.foldl(lambda a, x: a * 2 + x, tf.constant([1, 2, 3])).numpy().item()
    11
    """
    return _folded("foldl", fn, elems, initializer, False, False)


def foldr(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """`fn` of what there is so far and the next row of `elems`, from the last row to the first. See `tf.foldl`.

    >>> import tapeflow as tf
    >>> tf.foldr(lambda a, x: a * 2 + x, tf.constant([1, 2, 3])).numpy().item()
    17
    """
    return _folded("foldr", fn, elems, initializer, True, False)


def scan(
    fn,
    elems,
    initializer=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    infer_shape=True,
    reverse=False,
    name=None,
):
    """All the values of `tf.foldl`, stacked; of `tf.foldr` if `reverse`, still in the order of the rows.

    Args:
      fn: a function of the accumulated value and one row, in the structure of `elems`, to the next value.
      elems: a tensor or nested structure of them, of rank 1 or more and with the same number of rows.
      initializer: the value to start from, in the structure of what `fn` gives; the first row if None.
      parallel_iterations, back_prop, swap_memory, infer_shape, name: not used.
      reverse: whether to go from the last row to the first.

    Raises:
      ValueError: `fn` gives another structure than the value that it takes.

    >>> import tapeflow as tf
    >>> tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy().tolist()
    [1, 3, 6]
    """
    return _folded("scan", fn, elems, initializer, reverse, True)


def _folded(name, fn, elems, initializer, reverse, keeps):
    from tapeflow.ops.packing import stack, unstack
    from tapeflow.ops.shaping import concat

    if not callable(fn):
        raise TypeError(f"{fn} is not callable: {name} wants a function of a value and a row.")
    flat = [convert_to_tensor(item) for item in nest.flatten(elems)]
    if any(not item._shape for item in flat):
        raise ValueError(f"The elements that {name} goes over must have rank 1 or more, not be scalars.")
    first = None
    if initializer is None:
        if flat[0]._shape[0].__class__ is int and not flat[0]._shape[0]:
            problem = OutOfRangeError if thread.trace is None else InvalidArgumentError
            raise problem(None, None, "Tried to read from index 0 but array size is: 0: give an initializer.")
        first = [item[-1] if reverse else item[0] for item in flat]
        value = nest.pack_sequence_as(elems, first)
        flat = [item[:-1] if reverse else item[1:] for item in flat]
    else:
        value = nest.map_structure(convert_to_tensor, initializer)

    def step(value, row):
        found = fn(value, nest.pack_sequence_as(elems, list(row)))
        nest.assert_same_structure(value, found)
        return nest.map_structure(convert_to_tensor, found)

    if thread.trace is not None:
        from tapeflow.tracing.loops import for_loop

        def body(value, *row):
            found = step(value, row)
            return [found], nest.flatten(found) if keeps else []

        (value,), columns = for_loop(body, [value], flat, reverse)
        if not keeps:
            return value
    else:
        rows = list(zip(*[unstack(item) for item in flat], strict=True))
        made = []
        for row in reversed(rows) if reverse else rows:
            before, value = value, step(value, row)
            for old, new in zip(nest.flatten(before), nest.flatten(value)):
                if old.dtype is not new.dtype:
                    raise _wrong_dtype(old.dtype, new)
            made.append(nest.flatten(value))
        if not keeps:
            return value
        columns = [stack(list(column)) for column in zip(*(made[::-1] if reverse else made))]
        if not made:
            columns = [convert_to_tensor(item)[None][:0] for item in nest.flatten(value)]
    if first is not None:
        ends = [item[None] for item in first]
        columns = [concat([column, end] if reverse else [end, column], 0) for column, end in zip(columns, ends)]
    return nest.pack_sequence_as(value, columns)
