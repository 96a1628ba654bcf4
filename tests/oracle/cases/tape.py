"""tf.GradientTape: what it records, gradients, nesting."""

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


# The tape.


@case(TAPE)
def variable_squared(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x**2
    return tape.gradient(y, x)


@case(TAPE)
def two_variables(tf):
    x, y = tf.Variable(3.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        z = x * y + tf.square(y)
    return z, tape.gradient(z, [x, y])


@case(TAPE)
def constants_need_watching(tf):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    with tf.GradientTape() as other:
        other.watch(x)
        z = x * x
    return tape.gradient(y, x), other.gradient(z, x)


@case(TAPE)
def watching_late(tf):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        tape.watch(x)
        z = x * x * x
    return tape.gradient([y, z], x)


@case(TAPE)
def intermediate_values(tf):
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
        w = z + x
    return tape.gradient(z, y), tape.gradient(z, [x, y]), tape.gradient(w, [x, y, z]), tape.gradient(y,
        z), tape.gradient(x, x), tape.gradient(y, y)


@case(TAPE)
def once_only(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    return tape.gradient(y, x), caught(tape.gradient, y, x), caught(tape.jacobian, y, x)


@case(TAPE)
def persistent(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * x
    return tape.gradient(y, x), tape.gradient(z, x), tape.gradient(z, x)


@case(TAPE)
def gradient_inside_the_context(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        g = tape.gradient(y, x)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        h = tape.gradient(y, x)
        z = y * h
    return g, h, tape.gradient(z, x)


@case(TAPE)
def targets_in_structures(tf):
    x, y = tf.Variable(2.0), tf.Variable([1.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        a, b = x * x, x * y
    return tape.gradient([a, b], [x, y]), tape.gradient({"a": a, "b": [b]}, {"p": x, "q": (y,
        x)}), tape.gradient((a,), (x,)), tape.gradient(b, {"only": y})


@case(TAPE)
def nothing_to_differentiate(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
    return tape.gradient([], x), tape.gradient(y, []), tape.gradient({}, [x]), tape.gradient(y, {})


@case(TAPE)
def unconnected(tf):
    x, y, k = tf.Variable(2.0), tf.Variable([3.0, 4.0]), tf.constant(1)
    with tf.GradientTape(persistent=True) as tape:
        z = x * x
    zero = tf.UnconnectedGradients.ZERO
    return [
        tape.gradient(z, [x, y]),
        tape.gradient(z, y),
        tape.gradient(z, [x, y], unconnected_gradients=zero),
        tape.gradient(z, y, unconnected_gradients="zero"),
        tape.gradient(z, y, unconnected_gradients="none"),
        tape.gradient(z, k),
        tape.gradient(z, k, unconnected_gradients=zero),
        caught(tape.gradient, z, y, unconnected_gradients="nonsense"),
    ]


@case("tf.UnconnectedGradients")
def unconnected_members(tf):
    return tf.UnconnectedGradients.NONE, tf.UnconnectedGradients.ZERO, tf.UnconnectedGradients.ZERO.value


@case(TAPE)
def output_gradients(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y, z = x * x, tf.reduce_sum(x * x * x)
    return [
        tape.gradient(y, x, output_gradients=tf.constant([10.0, 1.0])),
        tape.gradient([y, z], x, output_gradients=[tf.constant([1.0, 0.0]), tf.constant(2.0)]),
        tape.gradient([y, z], x, output_gradients=[None, tf.constant(2.0)]),
        tape.gradient(y, x, output_gradients=[3.0, 4.0]),
        tape.gradient(y, x, [tf.constant([5.0, 5.0])]),
        tape.gradient({"y": y}, x, {"y": tf.constant([5.0, 5.0])}),
    ]


@case(TAPE)
def output_gradients_of_a_wrong_shape(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
    return [caught(tape.gradient, y, x, output_gradients=tf.constant([1.0, 2.0, 3.0])), caught(tape.gradient,
        [y, y], x, output_gradients=[tf.constant([1.0, 2.0])])]


@case(TAPE)
def integers_and_strings_give_none(tf):
    x, i, s = tf.Variable(2.0), tf.Variable(3), tf.Variable("a")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(i)
        tape.watch(s)
        y = x * tf.cast(i, tf.float32)
        j = i * i
        k = tf.cast(x, tf.int32)
        back = tf.cast(k, tf.float32) * x
    return tape.gradient(y, [x, i]), tape.gradient(j, i), tape.gradient(s, s), tape.gradient(k,
        x), tape.gradient(back, x), tape.gradient(y, s)


@case(TAPE)
def argmax_cuts(tf):
    x = tf.Variable([1.0, 3.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.cast(tf.argmax(x), tf.float32) * tf.reduce_sum(x) + tf.cast(x > 1.0, tf.float32)[1]
    return tape.gradient(y, x)


@case(TAPE)
def watched_variables(tf):
    a, b, c = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b", trainable=False), tf.Variable(3.0,
        name="c")
    with tf.GradientTape() as tape:
        y = a * b
        tape.watch(b)
        z = y + b
        unused = c
    names = [v.name for v in tape.watched_variables()]
    return names, tape.gradient(z, [a, b, unused])


@case(TAPE)
def not_watching_variables(tf):
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(b)
        y = a * b
    return tape.gradient(y, [a, b]), [v is b for v in tape.watched_variables()]


@case(TAPE)
def watching_structures(tf):
    x, y = tf.constant(2.0), tf.constant([3.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch({"x": x, "y": [y]})
        z = tf.reduce_sum(x * y)
    return tape.gradient(z, [x, y])


@case(TAPE)
def watching_what_cannot_be_watched(tf):
    with tf.GradientTape() as tape:
        results = [caught(tape.watch, 3.0), caught(tape.watch, "a"), caught(tape.watch, None),
            caught(tape.watch, [1.0, tf.constant(2.0)]), caught(tape.watch, tf.constant(3)),
            caught(tape.watch)]
    return results


@case(TAPE)
def sources_that_are_no_tensors(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
    return caught(tape.gradient, y, 3.0), caught(tape.gradient, y, None), caught(tape.gradient, 3.0,
        x), caught(tape.gradient, None, x), caught(tape.gradient, y, ["a"]), caught(tape.gradient, "a",
        x), caught(tape.gradient, y)


@case(TAPE)
def stop_recording(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        with tape.stop_recording():
            z = y * y
        w = z + y
    return tape.gradient(y, x), tape.gradient(z, x), tape.gradient(w, x)


@case(TAPE)
def stop_recording_when_not_recording(tf):
    tape = tf.GradientTape()

    def use():
        with tape.stop_recording():
            pass

    return caught(use)


@case(TAPE)
def reset(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        tape.reset()
        z = x * x * x
    return tape.gradient([y, z], x), [v is x for v in tape.watched_variables()]


@case(TAPE)
def reset_forgets_constants(tf):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        z = x * x
    return tape.gradient(z, x)


@case(TAPE)
def entered_twice(tf):
    x = tf.Variable(3.0)
    tape = tf.GradientTape(persistent=True)
    with tape:
        y = x * x
    with tape:
        z = y * x
    with tape:
        inner = caught(tape.__enter__)
    return tape.gradient(z, x), inner, caught(tf.GradientTape().gradient, y, x)


@case(TAPE)
def bad_arguments(tf):
    return caught(tf.GradientTape, nonsense=1), caught(tf.GradientTape, True, False, 3)


@case(TAPE)
def an_exception_closes_the_tape(tf):
    x = tf.Variable(3.0)

    def fail():
        with tf.GradientTape() as tape:
            y = x * x  # noqa: F841
            raise KeyError("mine")
        return tape

    error = caught(fail)
    with tf.GradientTape() as tape:
        y = x * x
    return error, tape.gradient(y, x)


@case(TAPE)
def nested_tapes(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x * x * x
        g = inner.gradient(y, x)
    return g, outer.gradient(g, x)


@case(TAPE)
def third_order(tf):
    x = tf.constant([0.5, -1.0], tf.float64)
    with tf.GradientTape() as t3:
        t3.watch(x)
        with tf.GradientTape() as t2:
            t2.watch(x)
            with tf.GradientTape() as t1:
                t1.watch(x)
                y = tf.sin(x) * tf.exp(x)
            g1 = t1.gradient(y, x)
        g2 = t2.gradient(g1, x)
    return g1, g2, t3.gradient(g2, x)


@case(TAPE)
def inner_gradient_outside_the_outer_tape(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x * x * x
    g = inner.gradient(y, x)
    return outer.gradient(y, x), g


@case(TAPE)
def side_by_side_tapes(tf):
    x, y = tf.Variable(3.0), tf.Variable(2.0)
    with tf.GradientTape() as a, tf.GradientTape() as b:
        z, w = x * y, x + y * y
    return a.gradient(z, [x, y]), b.gradient(w, [x, y])


@case(TAPE)
def second_derivatives_of_a_vector(tf):
    x = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            y = tf.reduce_sum(x[:-1] ** 2 * x[1:] ** 3)
        g = inner.gradient(y, x)
    return g, outer.gradient(g, x), outer.jacobian(g, x)


@case(TAPE)
def the_same_tensor_twice(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    return tape.gradient([y, y], [x, x])


@case(TAPE)
def a_source_among_the_targets(tf):
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    return tape.gradient([x, y], x), tape.gradient([x, y], [x, y]), tape.gradient([y, x], [y])


@case(TAPE)
def assigning_inside(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        x.assign_add(1.0)
        z = y + x * x
    return z, tape.gradient(z, x)


@case(TAPE)
def assigning_a_function_of_a_variable(tf):
    x, w = tf.Variable(3.0), tf.Variable(0.0)
    with tf.GradientTape() as tape:
        w.assign(x * x)
        z = w * x
    return tape.gradient(z, [x, w])


@case(TAPE)
def a_variable_changed_after(tf):
    x = tf.Variable([3.0, 1.0])
    with tf.GradientTape() as tape:
        y = x * x
    x.assign([100.0, 100.0])
    return tape.gradient(y, x)


@case(TAPE)
def constants_made_inside(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        c = tf.constant(2.0)
        y = x * c + tf.convert_to_tensor(x) * tf.identity(x)
    return tape.gradient(y, [x, c])


@case(TAPE)
def numpy_breaks_the_chain(tf):
    x = tf.Variable([3.0, 1.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_mean(tf.constant(x.numpy()) * 2.0)
    return tape.gradient(y, x)


@case(TAPE)
def non_scalar_targets_are_summed(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = x * tf.constant([[1.0], [3.0]])
    return tape.gradient(y, x)


@case(TAPE)
def dtypes_of_gradients(tf):
    found = []
    for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.complex64, tf.complex128):
        x = tf.constant([1, 2], dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        found.append(tape.gradient(y, x))
    return found


@case(TAPE)
def casts_bring_the_gradient_home(tf):
    return gradient(tf, lambda x: tf.cast(x, tf.float64) ** 2, [1.0, 2.0])[0], gradient(tf,
        lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32) ** 2, [1.0, 2.0])[0]


@case(TAPE)
def gradient_of_a_control_flow(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x
        for i in range(3):
            y = y * x if i % 2 else y + x
        if y > 1.0:
            y = y * 2.0
    return tape.gradient(y, x)


@case(TAPE)
def a_model_by_hand(tf):
    w, b = tf.Variable([[0.5, -0.25], [1.0, 0.75]]), tf.Variable([0.1, 0.2])
    x, y = tf.constant([[1.0, 2.0], [3.0, -1.0]]), tf.constant([1, 0])
    losses = []
    for _ in range(3):
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(x @ w + b)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        gw, gb = tape.gradient(loss, (w, b))
        w.assign_sub(0.1 * gw)
        b.assign_sub(0.1 * gb)
        losses.append(loss)
    return losses, w, b
