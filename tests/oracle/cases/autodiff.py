"""Forward mode, custom gradients, recomputation, vectorized_map."""

from oracle.case import case, caught

TAPE = "tf.GradientTape"
FORWARD = "tf.autodiff.ForwardAccumulator"


def gradient(tf, f, *values, **kwargs):
    """The gradient of `f` over constants made of the values."""
    xs = [tf.constant(x) for x in values]
    with tf.GradientTape() as tape:
        tape.watch(xs)
        y = f(*xs)
    return tape.gradient(y, xs, **kwargs)


# Forward mode.


@case(FORWARD)
def forward(tf):
    x, w = tf.constant([[2.0, 3.0], [1.0, 4.0]]), tf.Variable([1.0, -1.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([[1.0, 0.0], [0.0, 1.0]])) as acc:
        y = tf.tanh(tf.linalg.matvec(x, w))
        s = tf.reduce_sum(y * y)
        c = tf.constant(3.0)
    return acc.jvp(y), acc.jvp(s), acc.jvp(x), acc.jvp(w), acc.jvp(c), acc.jvp([y, {"s": s}]), acc.jvp(c,
        unconnected_gradients="zero"), acc.jvp(c, tf.UnconnectedGradients.ZERO)


@case(FORWARD)
def forward_over_variables(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(primals=x, tangents=tf.constant([1.0, 10.0])) as acc:
        y = x**3
        z = tf.gather(x, [1, 1])
    return acc.jvp(y), acc.jvp(z), acc.jvp(x)


@case(FORWARD)
def forward_over_structures(tf):
    x, y = tf.constant(2.0), tf.constant([1.0, 3.0])
    with tf.autodiff.ForwardAccumulator([x, y], [tf.constant(1.0), tf.constant([0.0, 2.0])]) as acc:
        z = x * y
    with tf.autodiff.ForwardAccumulator({"a": x}, {"a": tf.constant(5.0)}) as other:
        w = x * x
    return acc.jvp(z), other.jvp(w), acc.jvp(w)


@case(FORWARD)
def forward_nested(tf):
    x = tf.constant(1.5, tf.float64)
    one = tf.ones_like(x)
    with tf.autodiff.ForwardAccumulator(x, one) as outer:
        with tf.autodiff.ForwardAccumulator(x, one) as inner:
            y = x**3 * tf.sin(x)
        d = inner.jvp(y)
    return d, outer.jvp(d), outer.jvp(y)


@case(FORWARD)
def forward_over_reverse(tf):
    x, v = tf.Variable([1.0, 2.0, 3.0]), tf.constant([1.0, 0.0, -1.0])
    with tf.autodiff.ForwardAccumulator(x, v) as acc, tf.GradientTape() as tape:
        y = tf.reduce_sum(x[:-1] ** 2 * x[1:])
    g = tape.gradient(y, x)
    with tf.autodiff.ForwardAccumulator(x, v) as acc2:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x[:-1] ** 2 * x[1:])
        g2 = tape.gradient(y, x)
    return acc.jvp(y), acc.jvp(g), acc2.jvp(g2)


@case(FORWARD)
def reverse_over_forward(tf):
    x, v = tf.Variable([1.0, 2.0, 3.0]), tf.constant([1.0, 0.0, -1.0])
    with tf.GradientTape() as tape:
        with tf.autodiff.ForwardAccumulator(x, v) as acc:
            y = tf.reduce_sum(x[:-1] ** 2 * x[1:])
        d = acc.jvp(y)
    return d, tape.gradient(d, x)


@case(FORWARD)
def forward_of_many_operations(tf):
    x, v = tf.constant([[0.5, 1.5], [2.0, 0.25]]), tf.constant([[1.0, -1.0], [0.5, 2.0]])
    functions = [
        tf.exp, tf.math.log, tf.sqrt, tf.reduce_max, lambda x: tf.reduce_prod(x, 1),
            lambda x: tf.nn.softmax(x), lambda x: tf.linalg.inv(x), lambda x: tf.sort(x, axis=0),
            lambda x: tf.concat([x, x], 0), lambda x: x[:, 0],
        lambda x: tf.cumsum(x, 1), lambda x: tf.where(x > 1.0, x * x, x), lambda x: tf.linalg.norm(x),
            lambda x: tf.transpose(x) @ x, lambda x: tf.linalg.det(x), lambda x: tf.nn.relu(x - 1.0),
            lambda x: tf.reduce_logsumexp(x, 0),
        lambda x: tf.pad(x, [[1, 0], [0, 1]]), lambda x: tf.math.top_k(x, 1)[0], lambda x: tf.reduce_mean(x),
            lambda x: tf.math.lgamma(x), lambda x: tf.tile(x, [2, 1]), lambda x: tf.nn.moments(x, [0]),
            tf.stop_gradient, tf.sign,
    ]
    found = []
    for f in functions:
        with tf.autodiff.ForwardAccumulator(x, v) as acc:
            y = f(x)
        found.append(acc.jvp(y))
    return found


@case(FORWARD)
def forward_refuses(tf):
    x, i = tf.constant(2.0), tf.constant(2)
    def accumulator(*args):
        return tf.autodiff.ForwardAccumulator(*args) is not None

    return [
        caught(accumulator, x, tf.constant([1.0, 2.0])),
        caught(accumulator, x, tf.constant(1.0, tf.float64)),
        caught(accumulator, [x], tf.constant(1.0)),
        caught(accumulator, x, None),
        caught(accumulator, i, tf.constant(1)),
        caught(accumulator, 2.0, 1.0),
        caught(accumulator, x),
        caught(accumulator, [x, x], [tf.constant(1.0), tf.constant(1.0)]),
    ]


@case(FORWARD)
def forward_accumulator_states(tf):
    x = tf.constant(2.0)
    acc = tf.autodiff.ForwardAccumulator(x, tf.constant(1.0))
    with acc:
        y = x * x
        inside = acc.jvp(y)
        again = caught(acc.__enter__)
    after = acc.jvp(y)
    z = x * x
    return inside, after, acc.jvp(z), again


@case(FORWARD)
def forward_through_integers(tf):
    x = tf.constant([1.5, 2.5])
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as acc:
        i = tf.cast(x, tf.int32)
        back = tf.cast(i, tf.float32)
        a = tf.argmax(x)
    return acc.jvp(i), acc.jvp(back), acc.jvp(a)


# Custom gradients.


@case("tf.custom_gradient")
def custom(tf):
    @tf.custom_gradient
    def log1pexp(x):
        e = tf.exp(x)
        return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    x = tf.constant([100.0, 0.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = log1pexp(x)
    return y, tape.gradient(y, x)


@case("tf.custom_gradient")
def custom_of_several(tf):
    @tf.custom_gradient
    def f(x, y):
        def grad(a, b):
            return a * 10.0 + b, tf.reduce_sum(b) * 100.0

        return (x * y, x + y), grad

    x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        p, q = f(x, y)
        z = tf.reduce_sum(p) + 2.0 * tf.reduce_sum(q)
    return p, q, tape.gradient(z, [x, y]), tape.gradient(p, x), tape.gradient(q, y)


@case("tf.custom_gradient")
def custom_with_variables(tf):
    w = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        y = x * w

        def grad(dy, variables=None):
            return dy * 100.0, [dy * 7.0 for _ in variables]

        return y, grad

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return y, tape.gradient(y, [x, w])


@case("tf.custom_gradient")
def custom_with_variables_but_no_argument(tf):
    w = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        return x * w, lambda dy: dy

    x = tf.constant(2.0)

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, w])

    return caught(run)


@case("tf.custom_gradient")
def custom_twice(tf):
    @tf.custom_gradient
    def cube(x):
        return x * x * x, lambda dy: dy * 3.0 * x * x

    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = cube(x)
        g = inner.gradient(y, x)
    return y, g, outer.gradient(g, x)


@case("tf.custom_gradient")
def custom_nested(tf):
    @tf.custom_gradient
    def inner(x):
        return x * x, lambda dy: dy * 1000.0

    @tf.custom_gradient
    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        g = tape.gradient(y, x)
        return y, lambda dy: dy * g * 2.0

    return gradient(tf, outer, 3.0), gradient(tf, lambda x: inner(inner(x)), 3.0)


@case("tf.custom_gradient")
def custom_with_arguments(tf):
    @tf.custom_gradient
    def f(x, scale=2.0, flag=True):
        return x * scale, lambda dy: (dy * 5.0, None, None)

    x = tf.constant(3.0)
    found = []
    for args, kwargs in (((x,), {}), ((x, 4.0, False), {})):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = caught(f, *args, **kwargs)
        found.append(y)
        found.append(caught(tape.gradient, y, x) if not hasattr(y, "error") else None)
    return found


@case("tf.custom_gradient")
def custom_on_a_method(tf):
    class Clip:
        @tf.custom_gradient
        def __call__(self, x):
            return x * 1.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    clip = tf.custom_gradient(lambda x: (x * 1.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)))
    return gradient(tf, lambda x: clip(x) * 10.0, [1.0, 2.0])


@case("tf.custom_gradient")
def custom_without_gradient(tf):
    nothing = tf.custom_gradient(lambda x: (x * 2.0, lambda dy: None))
    return gradient(tf, nothing, 3.0), caught(gradient, tf, tf.custom_gradient(lambda x: x * 2.0),
        3.0), caught(gradient, tf, tf.custom_gradient(lambda x, y: (x * y, lambda dy: dy)), 3.0, 4.0)


@case("tf.custom_gradient")
def custom_in_forward_mode(tf):
    double = tf.custom_gradient(lambda x: (x * x, lambda dy: dy * 7.0))
    x = tf.constant(3.0)
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as acc:
        y = double(x)
    return acc.jvp(y)


@case("tf.custom_gradient")
def custom_decorator_forms(tf):
    @tf.custom_gradient
    def named(x):
        """Doc."""
        return x * 2.0, lambda dy: dy * 3.0

    called = tf.custom_gradient()
    with_structure = tf.custom_gradient(lambda x: ({"a": x * 2.0}, lambda dy: dy))
    return named.__name__, named.__doc__, callable(called), caught(with_structure,
        tf.constant(1.0)), named(2.0)


@case("tf.grad_pass_through")
def pass_through(tf):
    x, z = tf.Variable(1.25), tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = tf.grad_pass_through(tf.round)(x**2)
        w = tf.grad_pass_through(z.assign)(x**2)
    return y, tape.gradient(y, x), w, tape.gradient(w, x)


@case("tf.stop_gradient", TAPE)
def stopped(tf):
    return gradient(tf, lambda x: x * tf.stop_gradient(x), [2.0, 3.0]), gradient(tf, tf.stop_gradient,
        [2.0]), gradient(tf, lambda x: tf.stop_gradient(x * x) + x, 2.0)


@case("tf.recompute_grad")
def recompute(tf):
    calls = []
    w = tf.Variable(2.0)

    def f(x):
        calls.append(1)
        return tf.tanh(x * w) * x

    g = tf.recompute_grad(f)
    x = tf.constant([0.5, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = g(x)
    result = tape.gradient(y, [x, w])
    return y, result, len(calls)


@case("tf.recompute_grad")
def recompute_of_several(tf):
    f = tf.recompute_grad(lambda x, y: (x * y, tf.reduce_sum(x) + y))
    x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        p, q = f(x, y)
        z = tf.reduce_sum(p) * 2.0 + q
    return p, q, tape.gradient(z, [x, y])


@case("tf.recompute_grad")
def recompute_twice(tf):
    f = tf.recompute_grad(lambda x: x * x * x)
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        g = inner.gradient(y, x)
    return g, caught(outer.gradient, g, x)


@case("tf.gradients", "tf.hessians", eager_only=True)
def graph_gradients_refuse_eager(tf):
    x = tf.Variable(2.0)
    return caught(tf.gradients, x * x, x), caught(tf.hessians, x * x, x)


# Batches.


@case("tf.vectorized_map")
def vectorized_map(tf):
    x, w = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([[1.0, 0.5], [-1.0, 2.0]])
    return [
        tf.vectorized_map(lambda r: tf.reduce_sum(r * r), x),
        tf.vectorized_map(lambda r: tf.linalg.matvec(w, r), x),
        tf.vectorized_map(lambda p: p[0] * p[1], (x, x)),
        tf.vectorized_map(lambda p: {"s": p["a"] + 1.0, "n": tf.size(p["a"])}, {"a": x}),
        tf.vectorized_map(lambda r: tf.constant(3.0), x),
        tf.vectorized_map(lambda r: (r, tf.reduce_max(r)), x),
        tf.vectorized_map(lambda r: tf.nn.softmax(r), elems=x),
        tf.vectorized_map(lambda i: tf.gather(x, i), tf.constant([2, 0])),
        tf.vectorized_map(lambda r: tf.sort(r, direction="DESCENDING"), x),
        tf.vectorized_map(lambda r: tf.reverse(r, [0])[..., tf.newaxis], x),
        tf.vectorized_map(lambda r: tf.where(r > 2.0, r, -r), x, fallback_to_while_loop=False),
        tf.vectorized_map(lambda r: tf.tensordot(r, r, 0), x),
    ]


@case("tf.vectorized_map")
def vectorized_map_of_nothing_and_of_mismatch(tf):
    return [
        tf.vectorized_map(lambda r: r * 2.0, tf.zeros([1, 2])),
        hasattr(caught(tf.vectorized_map, lambda p: p[0] + p[1], (tf.zeros([2]), tf.zeros([3]))), "error"),
        caught(tf.vectorized_map, lambda r: r, tf.constant(1.0)),
        tf.vectorized_map(lambda p: p[0] + p[1], (tf.ones([3, 2]), tf.ones([1, 2]))),
    ]


@case("tf.vectorized_map", TAPE)
def vectorized_gradients(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    w = tf.Variable([0.5, -1.0])

    def per_example(row):
        with tf.GradientTape() as tape:
            tape.watch(row)
            y = tf.reduce_sum(row**3 * w)
        return tape.gradient(y, row)

    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.vectorized_map(lambda r: tf.reduce_sum(r * w) ** 2, x))
    return tf.vectorized_map(per_example, x), tape.gradient(y, w)


@case("tf.test.compute_gradient", tol="loose", eager_only=True)
def compute_gradient(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]], tf.float64)
    theoretical, numeric = tf.test.compute_gradient(lambda a: a * a, [x])
    two, _ = tf.test.compute_gradient(lambda a, b: tf.matmul(a, b), [x, x])
    single, near = tf.test.compute_gradient(tf.sin, [tf.constant([0.5, 1.0], tf.float64)], delta=1e-4)
    return theoretical, numeric, two, single, near


@case("tf.test.compute_gradient", eager_only=True)
def compute_gradient_refuses(tf):
    return caught(tf.test.compute_gradient, lambda a: a, tf.constant(1.0)), caught(tf.test.compute_gradient,
        lambda a: a, 3.0), caught(tf.test.compute_gradient, lambda a: a * 1.0, [])
