"""One trace for tensors of unknown sizes, called with several: as eager mode has it, or refused as eager mode does.

The first recorded case of each symbol is traced for unknown sizes. Besides its own tensors the function is
given them twice as large along every axis, and with only one of them twice as large, which mostly does not fit.
"""

import numpy as np
import pytest

import tapeflow as tf
from oracle import replay
from oracle.case import tensors_in
from oracle.run import sizes_in, unknown_function

RANDOM = ("random", "dropout", "shuffle", "initializers", "Generator")


def chosen():
    """Cases of tensors that a function takes, one for each symbol."""
    found = {}
    for case in replay.replayable("unknown"):
        specs = tensors_in(case.arguments)
        answer = replay.answers()[case.id]
        if not sizes_in(case) or answer.get("kind") == "error" or case.id in replay.of_unknown_sizes():
            continue
        if replay.declared(case, "unknown") or any(word in case.id for word in RANDOM):
            continue
        if {spec.dtype for spec in specs} & {"float16", "bfloat16", "complex64", "float64"}:
            continue  # their kernels are those of float32
        found.setdefault(case.symbols[0], case)
    return {case.id: case for case in found.values()}


CASES = chosen()


def outcome(function, tensors):
    """What a call gives, flat; the class of its error."""
    try:
        leaves = tf.nest.flatten(function(*tensors), expand_composites=True)
        return [np.asarray(leaf) for leaf in leaves if leaf is not None]
    except tf.errors.OpError as error:
        return error
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:  # eager mode has these as well
        return error


@pytest.mark.parametrize("name", CASES)
def test_one_trace_for_several_sizes(name):
    eager, traced, tensors = unknown_function(CASES[name], tf)
    sizes = [i for i, x in enumerate(tensors) if x.shape.rank]
    calls = [tensors, [twice(x) for x in tensors]]
    calls += [[twice(x) if i == place else x for i, x in enumerate(tensors)] for place in sizes[:2]]
    for number, given in enumerate(calls):
        wanted, found = outcome(eager, given), outcome(traced, given)
        about = f"{name}, call {number} with {[x.shape.as_list() for x in given]}: {wanted} and {found}"
        if isinstance(wanted, Exception):
            assert isinstance(found, tf.errors.OpError) or type(found) is type(wanted), about
            continue
        assert isinstance(found, list) and len(found) == len(wanted), about
        for a, b in zip(found, wanted):
            assert a.dtype == b.dtype and a.shape == b.shape, about
            if a.dtype.kind in "fc":
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5, err_msg=about)
            else:
                np.testing.assert_array_equal(a, b, err_msg=about)


def test_a_mismatch_is_tensorflows_error_at_the_users_line():
    matrix = tf.TensorSpec([None, None])
    programs = [  # (function, shapes that do not fit, what the message says of them)
        (lambda x, y: x + y, ([2, 3], [2, 4]), "Incompatible shapes: [2,3] vs. [2,4]"),
        (lambda x, y: x @ y, ([2, 3], [2, 4]), "[2,3]"),
        (lambda x, y: tf.concat([x, y], 0), ([2, 3], [2, 4]), "[2,3], [2,4]"),
        (lambda x, y: tf.stack([x, y]), ([2, 3], [2, 4]), "[2,3], [2,4]"),
        (lambda x, y: tf.reshape(x, [4, 2]) + y, ([2, 3], [4, 2]), "6 values, but the requested shape has 8"),
        (lambda x, y: x[2] + y, ([2, 3], [1, 3]), "2 is not in [0, 2)"),
        (lambda x, y: tf.where(x > 0, x, y), ([2, 3], [2, 4]), "2,3"),
        (lambda x, y: tf.linalg.det(x) + y, ([2, 3], [2, 3]), "square"),
        (lambda x, y: tf.math.top_k(x, 4)[0] + y, ([2, 3], [2, 4]), "Had 3, needed 4"),
    ]
    for function, (one, other), text in programs:
        f = tf.function(function, input_signature=[matrix, matrix])
        for _ in range(2):  # what is refused once is refused again
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                f(tf.ones(one), tf.ones(other))
            assert text in str(caught.value)
            assert any("test_sizes.py, line" in note for note in caught.value.__notes__)
    f(tf.ones([2, 4]), tf.ones([2, 4]))  # and what fits is not


def test_sizes_that_gradients_need():
    matrix = tf.TensorSpec([None, None])
    programs = [
        lambda x: tf.broadcast_to(x, [2, 3]),
        lambda x: tf.concat([x, x[:1]], 0),
        lambda x: tf.nn.bias_add(x, x[0]),
        lambda x: tf.linalg.diag_part(x) * 2.0,
        lambda x: tf.math.top_k(x, 1)[0] ** 2,
        lambda x: tf.split(x, [1, -1], 0)[0],
        lambda x: x[: tf.shape(x)[0] // 2] ** 2,
        lambda x: tf.math.top_k(x, tf.shape(x)[1] // 2)[0],
        lambda x: tf.math.cumprod(x, 1),
        lambda x: tf.einsum("ij,ik,il->jkl", x, x, x),
        lambda x: tf.gather(x, [0, 0], axis=1),
        lambda x: tf.linalg.qr(x)[1],
        lambda x: tf.repeat(x, 2, 0),
        lambda x: tf.pad(x, [[1, 0], [0, 1]], "REFLECT"),
    ]
    for number, program in enumerate(programs):

        def derivatives(x, program=program):
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    y = tf.reduce_sum(program(x) ** 2)
                first = inner.gradient(y, x)
                second = tf.reduce_sum(first**2)
            return y, first, outer.gradient(second, x)

        traced = tf.function(derivatives, input_signature=[matrix])
        for shape in ([2, 3], [2, 1], [3, 3]):
            x = tf.random.stateless_uniform(shape, [number, 1]) + tf.eye(*shape)
            wanted, found = outcome(derivatives, [x]), outcome(traced, [x])
            if isinstance(wanted, Exception):
                assert isinstance(found, tf.errors.OpError), (number, shape, wanted, found)
                continue
            assert isinstance(found, list), (number, shape, wanted, found)
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=f"program {number}, {shape}")


def test_a_jacobian_of_unknown_size():
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x**3
        return tape.jacobian(y, x)

    for n in (2, 3):
        x = tf.range(1.0, n + 1)
        np.testing.assert_allclose(jacobian(x), np.diag(3 * np.square(x)), rtol=1e-6)


def test_a_number_that_only_the_run_knows():
    f = tf.function(lambda x: tf.one_hot(x, tf.reduce_max(x) + 1), input_signature=[tf.TensorSpec([None], tf.int32)])
    for values in ([0, 2], [1, 0, 3]):
        np.testing.assert_array_equal(f(tf.constant(values)), np.eye(max(values) + 1)[values])


def test_the_first_call_with_a_shape_is_compiled():
    f = tf.function(lambda x, y: tf.nn.relu(x @ y), input_signature=[tf.TensorSpec([None, None])] * 2)
    f(tf.ones([2, 3]), tf.ones([3, 4]))
    (made,) = f.get_concrete_function()._graph.cache["native"].values()
    assert not made.reason


def twice(x):
    """A tensor twice as large along every axis."""
    return tf.tile(x, [2] * x.shape.rank) if x.shape.rank else x


ROWS = [[1], [3], [1], [0]]
KNOWN = {  # sizes of other operands, too large to be found by trying
    "concat": (lambda x: tf.concat([x, tf.ones([50, 60])], 0), (3, 60)),
    "stack": (lambda x: tf.stack([x, tf.ones([50, 60])]), (50, 60)),
    "solve": (lambda x: tf.linalg.solve(2 * tf.eye(50), x), (50, 60)),
    "cross entropy": (lambda x: tf.nn.softmax_cross_entropy_with_logits(tf.ones([50, 60]) / 60, x), (50, 60)),
    "weights": (lambda x: tf.math.bincount(tf.zeros([60], tf.int32), x, minlength=3), (60,)),
    "scatter_nd": (lambda x: tf.scatter_nd(ROWS, x, [400, 100]), (4, 100)),
    "scatter over": (lambda x: tf.tensor_scatter_nd_update(tf.ones([60, 50, 45]), ROWS, x), (4, 50, 45)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_unknown_sizes_that_have_to_be_known_ones(name):
    function, shape = KNOWN[name]
    x = tf.reshape(tf.range(np.prod(shape), dtype=tf.float32), shape) / 100
    traced = tf.function(function, input_signature=[tf.TensorSpec([None] * len(shape))])
    for _ in range(2):
        np.testing.assert_allclose(traced(x), function(x), rtol=2e-5)
    wrong = tf.ones([n + 1 for n in shape])
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        traced(wrong)


def test_numbers_made_of_sizes_are_pythons():
    """A scalar of NumPy's among them would be one in all that is computed with them, and overflow."""

    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def tail(x):
        rows = tf.shape(x)[0]
        wide = tf.reshape(tf.tile(x, [2, 1]), [rows * 2, 2])
        return wide[1:], tf.eye(rows), tf.split(wide, [rows, -1])[1]

    for rows in (1, 3):
        x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
        rest, identity, half = tail(x)
        np.testing.assert_array_equal(rest, np.concatenate([x, x])[1:])
        np.testing.assert_array_equal(identity, np.eye(rows))
        np.testing.assert_array_equal(half, x)


def test_a_batch_of_calls_that_wait():
    """Within a batch a call that waits for sizes is one of all the examples."""

    def programs(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.tanh(x) * tf.reduce_sum(x, 1, keepdims=True)
        rows = tf.vectorized_map(lambda row: tf.tile(row, [2]) * tf.cumsum(row, reverse=True)[0], x)
        return tape.batch_jacobian(y, x), tape.jacobian(y, x), rows

    function = tf.function(programs, input_signature=[tf.TensorSpec([None, None])])
    for shape in ([2, 3], [4, 1]):
        x = tf.constant(np.linspace(-1, 1, np.prod(shape), dtype=np.float32).reshape(shape))
        for found, wanted in zip(function(x), programs(x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_code_points_are_numbers():
    @tf.function
    def following(text):
        return tf.strings.unicode_decode(text, "UTF-8") + 1

    assert following(tf.constant("ab")).numpy().tolist() == [98, 99]
    assert following.get_concrete_function(tf.TensorSpec([], tf.string)).structured_outputs.dtype == tf.int32
