"""IndexedSlices out of gradients; jacobians."""

from oracle.case import case, caught

TAPE = "tf.GradientTape"

# IndexedSlices.


@case(TAPE, "tf.IndexedSlices")
def gather_gives_indexed_slices(tf):
    x = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape(persistent=True) as tape:
        y = tf.gather(x, [2, 0, 2])
        z = tf.nn.embedding_lookup(x, [[1], [1]])
        w = y * 2.0
        both = tf.reduce_sum(tf.gather(x, [0])) + tf.reduce_sum(x)
        twice = tf.reduce_sum(tf.gather(x, [0])) + tf.reduce_sum(tf.gather(x, [1, 0]))
        columns = tf.gather(x, [1], axis=1)
        scaled = tf.gather(x * 3.0, [1])
        sliced = x[1]
        nd = tf.gather_nd(x, [[1]])
        flat = tf.gather(tf.reshape(x, [-1]), [1, 1])
    return [tape.gradient(v, x) for v in (y, z, w, both, twice, columns, scaled, sliced, nd, flat)]


@case(TAPE, "tf.IndexedSlices")
def gather_of_a_tensor_gives_indexed_slices(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.gather(x, [0, 0])
        z = tf.gather(x * 2.0, [0, 2])
    return tape.gradient(y, x), tape.gradient(z, x), tape.jacobian(y, x), tape.gradient(y, x,
        output_gradients=tf.constant([1.0, 5.0]))


@case("tf.IndexedSlices")
def indexed_slices(tf):
    x = tf.IndexedSlices(values=tf.constant([[1.0, 2.0]]), indices=tf.constant([1]),
        dense_shape=tf.constant([3, 2]))
    bare = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))
    facts = x.values, x.indices, x.dense_shape, x.shape, x.dtype, x.device[-5:]
    converted = caught(tf.convert_to_tensor, bare), tf.convert_to_tensor(x)
    return x, facts, -x, bare, bare.dense_shape, bare.shape, converted


@case("tf.IndexedSlices")
def indexed_slices_in_arithmetic(tf):
    x = tf.IndexedSlices(tf.constant([1.0, 2.0]), tf.constant([1, 1]), tf.constant([3]))
    return [caught(f) for f in (lambda: x + 1.0, lambda: x * 2.0, lambda: tf.add(x, 1.0),
        lambda: tf.multiply(2.0, x), lambda: tf.reduce_sum(x), lambda: tf.square(x), lambda: tf.sqrt(x))]


# Jacobians.


@case(TAPE)
def jacobian(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.stack([x[0] * x[1], x[1] * x[2], x[2] ** 2, tf.reduce_sum(x)])
        s = tf.reduce_sum(x * x)
        m = tf.reshape(y, [2, 2])
    return tape.jacobian(y, x), tape.jacobian(s, x), tape.jacobian(m, x), tape.jacobian(y, x,
        experimental_use_pfor=False), tape.jacobian(y, [x]), tape.jacobian(y, {"x": x})


@case(TAPE)
def jacobian_of_several(tf):
    a, b = tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable([0.5, -1.0])
    with tf.GradientTape(persistent=True) as tape:
        y = tf.tanh(tf.linalg.matvec(a, b))
    return tape.jacobian(y, [a, b]), tape.jacobian(y, [a, b], experimental_use_pfor=False)


@case(TAPE)
def jacobian_unconnected(tf):
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([0.5, -1.0])
    with tf.GradientTape(persistent=True) as tape:
        y = a * a
    return tape.jacobian(y, [a, b]), tape.jacobian(y, b), tape.jacobian(y, b,
        unconnected_gradients="zero"), tape.jacobian(y, [a, b],
        unconnected_gradients=tf.UnconnectedGradients.ZERO, experimental_use_pfor=False)


@case(TAPE)
def jacobian_refuses(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        i = tf.cast(x, tf.int32)
    return caught(tape.jacobian, [y, y], x), caught(tape.jacobian, i, x), caught(tape.jacobian, y,
        3.0), caught(tape.jacobian, y, x, parallel_iterations=2), caught(tape.jacobian, y)


@case(TAPE)
def jacobian_of_the_jacobian(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x[0] ** 3 * x[1] ** 2
        g = inner.gradient(y, x)
    return outer.jacobian(g, x)


@case(TAPE)
def jacobian_of_complex_and_half(tf):
    x, h = tf.constant([1.0 + 2.0j, -0.5j]), tf.constant([1.0, 2.0], tf.float16)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, h])
        y, k = x * x, h * h
    return tape.jacobian(y, x, experimental_use_pfor=False), tape.jacobian(k, h)


@case(TAPE, tol="linalg")
def hessian_by_tapes(tf):
    x = tf.constant([1.2, 0.8, -0.5], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
        g = inner.gradient(y, x)
    return g, outer.jacobian(g, x)


@case(TAPE)
def batch_jacobian(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2, x[:, 1]], axis=1)
        z = x[:, :, None] * x[:, None, :]
    return tape.batch_jacobian(y, x), tape.batch_jacobian(y, x,
        experimental_use_pfor=False), tape.batch_jacobian(z, x), tape.batch_jacobian(x * 1.0, x,
        unconnected_gradients="zero")


@case(TAPE)
def batch_jacobian_refuses(tf):
    x, w = tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y, s, v = x * x, tf.reduce_sum(x), tf.concat([x, x], 0)
    return caught(tape.batch_jacobian, s, x), caught(tape.batch_jacobian, v, x), caught(tape.batch_jacobian,
        y, w), caught(tape.batch_jacobian, [y], x), tape.batch_jacobian(y, tf.Variable([[1.0], [2.0]]))
