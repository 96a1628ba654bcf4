"""Bad input: the error's class and what it says, at the call that is wrong. And the classes of tf.errors."""

from oracle.case import case, caught, expr, exprs

CODES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED",
         "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
CLASSES = ("CancelledError", "UnknownError", "InvalidArgumentError", "DeadlineExceededError", "NotFoundError",
    "AlreadyExistsError", "PermissionDeniedError", "UnauthenticatedError", "ResourceExhaustedError",
    "FailedPreconditionError", "AbortedError",
           "OutOfRangeError", "UnimplementedError", "InternalError", "UnavailableError", "DataLossError")
for name in CODES:
    expr(f"tf.errors.{name}", f"tf.errors.{name}")


@case("tf.errors.OpError", params=CLASSES)
def error_classes(tf, name):
    kind = getattr(tf.errors, name)
    error = kind(None, None, "what went wrong")
    bases = [base.__name__ for base in kind.__mro__]
    bad = caught(kind), caught(kind, None, None)
    return str(error), repr(error), error.message, error.error_code, error.op, error.node_def, bases, bad


for name in CLASSES:
    expr(f"tf.errors.{name}",
        f"(lambda x: (issubclass(x, tf.errors.OpError), x(None, None, 'm').error_code))(tf.errors.{name})")


@case("tf.errors.OpError", "tf.errors.OperatorNotAllowedInGraphError")
def other_error_classes(tf):
    error = tf.errors.OpError(None, None, "words", 3)
    other = tf.errors.OperatorNotAllowedInGraphError
    bases = [base.__name__ for base in other.__mro__]
    return str(error), error.error_code, error.message, bases, str(other("words"))


@case("tf.errors.InvalidArgumentError", eager_only=True)
def errors_can_be_caught(tf):
    found = []
    for kind in (tf.errors.InvalidArgumentError, tf.errors.OpError, Exception):
        try:
            tf.constant([1.0]) + tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])
        except kind as error:
            found.append((type(error).__name__, error.error_code))
    return found


# Incompatible shapes.
exprs("tf.Tensor", """
    tf.ones([2, 3]) + tf.ones([2]); tf.ones([2]) * tf.ones([3]); tf.ones([2, 3]) @ tf.ones([2, 3]);
    tf.matmul(tf.ones([2, 3]), tf.ones([4, 2])); tf.matmul(tf.ones([3]), tf.ones([3, 3]));
    tf.matmul(tf.ones([3, 3]), tf.ones([3]));
    tf.linalg.matvec(tf.ones([2, 3]), tf.ones([2])); tf.concat([tf.ones([2, 2]), tf.ones([3, 3])], 0);
    tf.stack([tf.ones([2]), tf.ones([3])]); tf.reshape(tf.ones([6]), [4]);
    tf.broadcast_to(tf.ones([2, 3]), [3, 2]); tf.where([True, False], tf.ones([3]), tf.ones([3]));
    tf.split(tf.ones([5]), 2); tf.squeeze(tf.ones([2]), 0); tf.transpose(tf.ones([2, 3]), [0]);
    tf.einsum('ij,jk->ik', tf.ones([2, 3]), tf.ones([2, 3])); tf.linalg.inv(tf.ones([2, 3]));
    tf.linalg.cholesky(tf.ones([2, 3])); tf.tile(tf.ones([2]), [1, 2]);
    tf.pad(tf.ones([2]), [[1, 1], [1, 1]]); tf.tensordot(tf.ones([2, 3]), tf.ones([2, 3]), 1);
    tf.add_n([tf.ones([2]), tf.ones([3])]); tf.nn.bias_add(tf.ones([2, 3]), tf.ones([2]));
    tf.nn.softmax_cross_entropy_with_logits([[1., 0.]], [[1., 0., 0.]]);
    tf.maximum(tf.ones([2]), tf.ones([3])); tf.ones([2]) < tf.ones([3]); tf.ones([2]) ** tf.ones([3]);
    tf.logical_and([True], [True, False, True]); tf.tensor_scatter_nd_update([1, 2], [[0]], [1, 2]);
    tf.scatter_nd([[0]], [1, 2], [3]);
    tf.boolean_mask([1, 2, 3], [True, False]); tf.math.segment_sum([1, 2, 3], [0, 0]);
    tf.linalg.set_diag(tf.ones([2, 2]), tf.ones([3])); tf.linalg.solve(tf.ones([2, 2]), tf.ones([3, 1]));
    tf.ensure_shape(tf.ones([2]), [3]); tf.constant([1, 2, 3], shape=[2]);
    tf.clip_by_value(tf.ones([2]), tf.ones([3]), 1.); tf.math.igamma(tf.ones([2]), tf.ones([3]));
    tf.nn.sigmoid_cross_entropy_with_logits(tf.ones([2]), tf.ones([3]));
    tf.debugging.assert_equal(tf.ones([2]), tf.zeros([3])); tf.meshgrid();
    tf.linalg.cross(tf.ones([2]), tf.ones([2]))
""")
# Two dtypes.
exprs("tf.Tensor", """
    tf.constant(1) + tf.constant(1.); tf.constant(1.) + tf.constant(1);
    tf.constant(1., tf.float64) * tf.constant(1.); tf.constant(1, tf.int64) - tf.constant(1);
    tf.constant(1) / tf.constant(1.); tf.constant(1) @ tf.constant(1.); tf.constant(1) < tf.constant(1.);
    tf.constant(1) == tf.constant(1.); tf.constant('a') + tf.constant(1); tf.constant(True) + tf.constant(1);
    tf.constant(True) & tf.constant(1); tf.constant(1.) ** tf.constant(2); tf.constant(5) // tf.constant(2.);
    tf.constant(5) % tf.constant(2.);
    tf.matmul([[1.]], [[1]]); tf.concat([[1.], [1]], 0); tf.concat([tf.constant([1.]), tf.constant([1])], 0);
    tf.stack([tf.constant(1.), tf.constant(1)]); tf.where(True, tf.constant(1.), tf.constant(1));
    tf.where(True, 1., 1); tf.add_n([tf.constant(1.), tf.constant(1)]);
    tf.Variable(1.) + tf.constant(1); tf.Variable(1) + 1.5; tf.constant(1) + 1.5; tf.constant(1) * 2.5;
    tf.constant(True) + True; tf.constant(1.) + 1j; tf.constant(1.) + 'a'; tf.constant('a') + 'b';
    tf.constant('a') + 1; tf.constant('a') * 2; tf.constant(1) + None;
    tf.reduce_sum(['a']); tf.sqrt(4); tf.exp(1); tf.math.log(2); tf.reduce_mean([1, 2]); tf.sigmoid(1);
    tf.nn.softmax([1, 2]); tf.sqrt(tf.constant(4)); tf.logical_not(1); tf.logical_and(1, 0);
    tf.cast('a', tf.int32); tf.cast('1', tf.float32); tf.pow(2, -1); tf.pow(2., 2);
    tf.maximum(1, 1.5); tf.maximum(tf.constant(1), 1.5); tf.clip_by_value(tf.constant(1), 0.5, 1.5);
    tf.one_hot(1.5, 3); tf.gather([1, 2], 0.5); tf.range(tf.constant(3), dtype=tf.string); tf.fill([2.5], 1);
    tf.linalg.inv([[1, 0], [0, 1]]); tf.add(tf.constant(1.), np.float64(2))
""")
# An index out of range.
exprs("tf.Tensor", """
    tf.constant([1, 2, 3])[3]; tf.constant([1, 2, 3])[-4]; tf.constant([[1, 2]])[0, 2];
    tf.constant([[1, 2]])[0, 0, 0]; tf.constant(1)[0]; tf.gather([1, 2], 2); tf.gather([1, 2], -1);
    tf.gather([[1, 2]], [3], axis=1); tf.gather_nd([1, 2], [[2]]); tf.unstack(tf.constant(1));
    tf.one_hot([5], 3); tf.nn.embedding_lookup([[1.], [2.]], [2]);
    tf.tensor_scatter_nd_add([1, 2], [[2]], [1]); tf.scatter_nd([[5]], [1], [3]);
    tf.slice([1, 2, 3], [2], [2]); tf.reduce_sum([[1, 2]], axis=2); tf.reduce_sum([[1, 2]], axis=-3);
    tf.concat([[1], [2]], 1);
    tf.stack([1, 2], 2); tf.expand_dims([1], 3); tf.argmax([1, 2], axis=1); tf.cumsum([1, 2], 1);
    tf.sort([1, 2], axis=1); tf.transpose([[1, 2]], [0, 2]); tf.unravel_index(6, [2, 3]);
    tf.nn.softmax([1., 2.], axis=1); tf.split([1, 2], 2, axis=1); tf.reverse([1], [1]);
    tf.squeeze([[1]], 2); tf.nn.sparse_softmax_cross_entropy_with_logits([3], [[1., 2.]]);
    tf.math.top_k([1, 2], 3); tf.repeat([1, 2], 2, axis=1); tf.roll([1], 1, 1);
    tf.strided_slice([1, 2], [3], [4], shrink_axis_mask=1); tf.norm([1.], axis=1);
    tf.dynamic_partition([1, 2], [0, 2], 2)
""")
# A tensor as a Python value.
exprs("tf.Tensor", """
    bool(tf.constant([1, 2])); bool(tf.constant([])); bool(tf.constant([True])); bool(tf.constant([[True]]));
    bool(tf.constant('a')); bool(tf.constant('')); bool(tf.constant([1., 2.]));
    1 if tf.constant([1, 2]) else 0; tf.constant([1, 2]) and 1; not tf.constant([1, 2]);
    int(tf.constant([1, 2])); int(tf.constant([1])); int(tf.constant(1.7)); int(tf.constant('a'));
    int(tf.constant([[3]])); float(tf.constant([1., 2.])); float(tf.constant([1.])); float(tf.constant('a'));
    float(tf.constant(2));
    len(tf.constant(1)); len(tf.constant([[1, 2]])); list(tf.constant(1)); [i for i in tf.constant(1.)];
    iter(tf.constant(1)); sum(tf.constant(3)); 3 in tf.constant([1, 2]); hash(tf.constant(1));
    {tf.constant(1): 2}; tf.constant(1).tolist(); tf.constant(1).item(); [1, 2][tf.constant([0])];
    '%d' % tf.constant(3); '%.2f' % tf.constant(3.14159); f'{tf.constant(3.14159):.2f}';
    abs(tf.constant('a')); max(tf.constant([1, 2])); min(tf.constant(1), tf.constant(2));
    sorted(tf.constant([3, 1])); tf.constant([1, 2]).index(1);
    np.array(tf.constant([1, 2])) + 1; math.sqrt(tf.constant(4.)); math.sqrt(tf.constant([4., 9.]));
    str(tf.constant(1)); tf.constant(1)(); tf.constant([1]).append(2); tf.constant(1) if True else 0;
    tf.constant(5).bit_length(); np.float64(tf.constant(1.5)); operator.index(tf.constant(2))
""", eager_only=True)


@case("tf.Variable", eager_only=True)
def wrong_assignments_leave_the_value(tf):
    x = tf.Variable([1.0, 2.0])
    bad = [
        caught(x.assign, [1.0, 2.0, 3.0]),
        caught(x.assign, 1.0),
        caught(x.assign, tf.constant([1, 2])),
        caught(x.assign, "a"),
        caught(x.assign, None),
        caught(x.assign_add, [1.0, 2.0, 3.0]),
        caught(x.assign_add, tf.constant([1, 2])),
        caught(x.assign_sub, [[1.0, 2.0]]),
        caught(x.scatter_nd_update, [[5]], [1.0]),
        caught(x.scatter_update, tf.IndexedSlices([1.0], [7])),
        caught(lambda: x[5].assign(1.0)),
    ]
    return bad, x


@case("tf.GradientTape", eager_only=True)
def gradients_of_what_was_not_recorded(tf):
    x, k = tf.Variable(2.0), tf.constant(3.0)
    y = x * x
    with tf.GradientTape(persistent=True) as tape:
        z = k * 2.0
        w = x.numpy() * 2.0  # noqa: F841
    with tf.GradientTape() as empty:
        pass
    return tape.gradient(y, x), tape.gradient(z, k), empty.gradient(y, x), caught(tape.jacobian, z,
        k), caught(tape.jacobian, y, x), caught(tape.gradient, w, x)


@case("tf.GradientTape")
def operations_without_a_gradient(tf):
    x = tf.Variable([3.0, 1.0, 3.0])
    results = []
    for f in (lambda: tf.unique(x)[0], lambda: tf.truncatemod(x, 2.0), lambda: tf.linalg.lu([[x[0], x[1]],
        [x[1], x[2]]])[0], lambda: tf.math.nextafter(x, 1.0), lambda: tf.math.polygamma(x, 2.0),
        lambda: tf.math.zeta(x + 1.0, 2.0),
              lambda: tf.math.betainc(x, 2.0, 0.5), lambda: tf.math.bincount([0, 1, 1], weights=x)):
        with tf.GradientTape() as tape:
            y = f()
        results.append(caught(tape.gradient, y, x))
    return results


# Arguments.
exprs("tf.Tensor", """
    tf.add(); tf.add(1); tf.add(1, 2, 3, 4); tf.add(1, 2, nonsense=3); tf.add(x=1, y=2, z=3);
    tf.reshape([1]); tf.reduce_sum(); tf.reduce_sum([1], axes=0); tf.reduce_sum([1], keep_dims=True);
    tf.constant(); tf.zeros(); tf.matmul([[1.]]); tf.nn.relu(); tf.nn.relu(x=[1.]);
    tf.nn.softmax(x=[1.]); tf.concat([1]); tf.stack(); tf.gather([1]); tf.cast([1]); tf.one_hot([1]);
    tf.where(); tf.clip_by_value([1.], 0.); tf.random.normal();
    tf.Variable(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); tf.GradientTape(1, 2, 3);
    tf.TensorShape(); tf.nonsense;
    tf.math.nonsense; tf.linalg.nonsense; tf.nn.nonsense; tf.float31; tf.zeros([2], dtype='nonsense');
    tf.cast([1.], 'nonsense'); tf.convert_to_tensor([1], dtype='flot32'); tf.zeros([-1]); tf.zeros('a');
    tf.fill([2]); tf.eye(); tf.eye('a'); tf.range(); tf.linspace(0., 1.);
    tf.pad([1], 1); tf.sort([1], direction='x'); tf.norm([1.], ord='x'); tf.searchsorted([1], [1], side='x');
    tf.pad([1], [[1, 1]], mode='x'); tf.linalg.norm([[1.]], ord=3, axis=[0, 1]); tf.einsum('ij');
    tf.meshgrid([1], indexing='x'); tf.nn.dropout([1.], 1.5); tf.nn.dropout([1.], -1.)
""")


@case("tf.Tensor", eager_only=True)
def ragged_and_mixed_sequences(tf):
    import numpy as np

    return [caught(tf.constant, value) for value in ([[1, 2], [3]], [[1], 2], [1, [2]], [1, "a"], ["a", 1],
        [1.0, "a"], [[1], ["a"]], [True, "a"], [None], [1, None], [[1, None]], {"a": 1}, {1, 2}, [{}], object,
        len, [np.ones(2), np.ones(3)], [np.ones(2), 1.0])]


