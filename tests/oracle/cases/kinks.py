"""Sub-gradients where there is no derivative, gradients beside infinities, complex gradients."""

from oracle.case import case, exprs, t

NAN, INF = float("nan"), float("inf")

# Kinks.
exprs("tf.GradientTape", """
    tf.abs(x); tf.nn.relu(x); tf.nn.relu6(x); tf.nn.leaky_relu(x); tf.nn.elu(x); tf.nn.selu(x);
    tf.nn.softsign(x); tf.sign(x); tf.floor(x); tf.math.ceil(x); tf.round(x); tf.math.rint(x);
    tf.maximum(x, 0.); tf.minimum(x, 0.);
    tf.maximum(0., x); tf.maximum(x, x); tf.minimum(x, -x); tf.clip_by_value(x, 0., 1.);
    tf.clip_by_value(x, -1., 0.); tf.square(x); x ** 2; x ** 2.; x ** 3; x ** 0; x ** 1; x ** 1.5; x ** -1;
    x * x; tf.pow(x, 0.5); tf.sqrt(x);
    tf.math.rsqrt(x); tf.math.reciprocal(x); tf.math.reciprocal_no_nan(x); tf.math.divide_no_nan(1., x);
    tf.math.divide_no_nan(x, x); tf.math.multiply_no_nan(x, x); tf.math.xlogy(x, x); tf.math.xlogy(x, 0.);
    tf.math.xdivy(x, x);
    tf.math.xlog1py(x, -1.); tf.norm(x); tf.norm(x, 1); tf.norm(x, np.inf); tf.norm(x, axis=0);
    tf.math.reduce_euclidean_norm(x); tf.math.l2_normalize(x); tf.clip_by_norm(x, 1.); tf.math.log(x);
    tf.math.log1p(x); tf.asin(x); tf.acos(x);
    tf.atanh(x); tf.acosh(x); tf.atan2(x, x); tf.atan2(x, 0.); tf.atan2(0., x); x // 2.; x % 2.; 2. % x;
    tf.math.mod(x, x); tf.where(x > 0., x, 0.); tf.where(x > 0., tf.sqrt(x), 0.);
    tf.where(x > 0., 1. / x, 1.); tf.where(x == 0., x, x * x);
    tf.where(x > 0., tf.math.log(x), tf.zeros_like(x)); tf.reduce_max(x); tf.reduce_min(x);
    tf.reduce_max(tf.stack([x, x]), 0); tf.reduce_prod(x); tf.math.cumprod(x); tf.sort(x);
    tf.sort(x, direction='DESCENDING'); tf.math.top_k(x, 2)[0];
    tf.math.reduce_std(x); tf.math.reduce_std(x * 0.); tf.math.reduce_variance(x);
    tf.math.segment_max(x, [0, 0, 0, 1]); tf.math.unsorted_segment_max(x, [0, 1, 1, 0], 2);
    tf.math.unsorted_segment_prod(x, [0, 0, 1, 1], 2); tf.nn.softplus(x);
    tf.math.log_sigmoid(x); tf.nn.softmax(x); tf.reduce_logsumexp(x); tf.math.erf(x); tf.nn.gelu(x);
    tf.math.squared_difference(x, 0.); tf.math.lgamma(x); tf.math.digamma(x + 1.); tf.math.is_nan(x);
    tf.cast(x, tf.int32); tf.math.argmax(x);
    tf.stop_gradient(x); tf.identity(x); tf.nn.crelu(x); tf.exp(-1. / tf.square(x)); x / x;
    (x - x) / (x - x); tf.math.angle(x); tf.math.nextafter(x, 1.); tf.one_hot(tf.cast(x, tf.int32), 2);
    tf.zeros_like(x); x > 0.; tf.math.count_nonzero(x)
""", x=t([0.0, 1.0, 0.0, -2.0]))
exprs("tf.GradientTape", """
    tf.abs(x); tf.sqrt(x); tf.square(x); x ** 2; x ** 0.5; tf.exp(x); tf.math.log(x); tf.tanh(x);
    tf.sigmoid(x); tf.nn.relu(x); tf.nn.softplus(x); tf.maximum(x, 0.); x * 0.; x / x; tf.reduce_max(x);
    tf.reduce_sum(x); tf.reduce_prod(x); tf.nn.softmax(x);
    tf.reduce_logsumexp(x); tf.norm(x); tf.where(tf.math.is_finite(x), x, 0.); tf.clip_by_value(x, -1., 1.);
    tf.math.erf(x); tf.atan(x); tf.nn.elu(x); tf.nn.silu(x); tf.nn.gelu(x); tf.sort(x); tf.math.cumsum(x);
    tf.math.softsign(x)
""", x=t([INF, 1.0, -INF, NAN]))
exprs("tf.GradientTape",
    """
    tf.sqrt(tf.reduce_sum(tf.square(x))); tf.norm(x); tf.norm(x, ord=1); tf.norm(x, ord=3);
    tf.linalg.normalize(x)[0]; tf.math.l2_normalize(x); tf.math.reduce_std(x); tf.norm(x, axis=1);
    tf.reduce_prod(x, 1)
""",
    x=t([[0.0, 0.0], [0.0, 0.0]]))
exprs("tf.GradientTape",
    """
    tf.maximum(x, y); tf.minimum(x, y); tf.maximum(x[:, None], y[None]); tf.where(x > y, x, y);
    tf.abs(x - y); tf.pow(x, y); tf.math.atan2(x, y); x % y; x // y; tf.math.divide_no_nan(x, y);
    tf.math.xlogy(x, y); x / y; tf.math.igamma(x + 1., y)
""",
      x=t([0.0, 1.0, 2.0]), y=t([0.0, 1.0, 1.0]))
exprs("tf.GradientTape",
    """
    tf.reduce_max(x, 0); tf.reduce_max(x, 1); tf.reduce_max(x); tf.reduce_min(x); tf.sort(x);
    tf.math.top_k(x, 1)[0]; tf.reduce_max(x, keepdims=True); tf.linalg.norm(x, np.inf, axis=1)
""",
    x=t([[1.0, 1.0], [1.0, 0.0]]))
exprs("tf.GradientTape",
    """
    tf.pow(x, y); tf.pow(x, 2.); tf.pow(2., y); tf.pow(x, 0.); tf.pow(0., y); x ** y[0]; tf.math.xlogy(y, x)
""",
    x=t([0.0, 0.0, 0.0, -1.0, 2.0]), y=t([0.0, 1.0, 2.0, 2.0, 0.0]))

# Second derivatives at kinks, by a tape in a tape.
SECOND = ("tf.abs(x)", "tf.nn.relu(x)", "x ** 2", "x ** 3", "x ** 0", "tf.sqrt(x)", "tf.norm(x)",
    "tf.maximum(x, 0.)", "tf.where(x > 0., x * x, 0.)", "tf.nn.elu(x)", "tf.nn.softplus(x)",
    "tf.math.xlogy(x, x)", "tf.sigmoid(x)", "tf.tanh(x)", "tf.nn.gelu(x)",
          "tf.nn.silu(x)", "tf.nn.softmax(x)", "tf.nn.log_softmax(x)", "tf.math.log_sigmoid(x)",
              "tf.math.erf(x)", "tf.math.lgamma(x + 3.)", "tf.reduce_prod(x)", "tf.math.reduce_std(x)",
              "tf.nn.leaky_relu(x)", "tf.nn.selu(x)", "tf.math.rsqrt(x + 3.)",
          "tf.math.divide_no_nan(1., x)", "tf.reduce_logsumexp(x)", "tf.math.atan2(x, 2.)",
              "tf.math.cumprod(x)", "tf.exp(x)", "tf.math.log1p(x + 2.)", "tf.math.reciprocal(x + 3.)",
              "tf.math.l2_normalize(x)", "tf.nn.sigmoid_cross_entropy_with_logits(x, x)",
          "tf.nn.softmax_cross_entropy_with_logits([.2, .3, .5], x)",
              "tf.nn.sparse_softmax_cross_entropy_with_logits(1, x)", "tf.math.polygamma(1., x + 3.)",
              "tf.math.igamma(2., x + 2.)", "tf.math.ndtri(x / 10. + .5)", "tf.math.cumulative_logsumexp(x)",
          "tf.reduce_max(x)", "tf.sort(x)", "tf.math.squared_difference(x, 1.)", "tf.math.softsign(x)",
              "tf.asinh(x)", "tf.sinh(x)", "tf.tan(x)", "tf.math.erfinv(x / 4.)", "tf.clip_by_norm(x, 1.)",
              "tf.math.pow(x, x + 3.)")


@case("tf.GradientTape", params=SECOND, tol="special")
def second_order(tf, source):
    x = tf.constant([0.0, 1.0, -1.5], tf.float32)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = eval(source, {"tf": tf, "x": x})
        g = inner.gradient(y, x)
    return g, outer.gradient(g, x)


# Complex.
exprs("tf.GradientTape", """
    x * x; x * y; x / y; tf.math.conj(x); tf.math.real(x); tf.math.imag(x); tf.abs(x); tf.math.angle(x);
    tf.square(x); x ** 2; x ** y; tf.exp(x); tf.math.log(x); tf.sqrt(x); tf.sin(x); tf.cosh(x); tf.tanh(x);
    tf.math.reciprocal(x); tf.sign(x);
    tf.reduce_sum(x); tf.reduce_mean(x * y); tf.reduce_prod(x); tf.math.real(x * tf.math.conj(x));
    tf.abs(x) ** 2; tf.math.real(tf.reduce_sum(x * y)); tf.math.imag(x * x); tf.linalg.norm(x); x * 2.;
    x + 1j; tf.math.conj(x) * y; tf.cast(x, tf.complex128);
    tf.complex(tf.math.real(x), tf.math.imag(y)); tf.cast(tf.math.real(x), tf.complex64) * y;
    tf.reduce_sum(tf.abs(x - y)); tf.tensordot(x, tf.math.conj(y), 1); tf.linalg.adjoint(x[None]) * y;
    tf.concat([x, y], 0); tf.gather(x, [0, 0]); x[0]; tf.cumsum(x);
    tf.math.cumprod(x); tf.math.squared_difference(x, y); tf.math.divide_no_nan(x, y);
    tf.where(tf.math.real(x) > 0., x, y); tf.reduce_mean(x); tf.math.atan(x); tf.math.l2_normalize(x);
    tf.math.xlogy(x, y); tf.math.rsqrt(x); tf.sigmoid(x); tf.math.log1p(x)
""", x=t([1.0 + 2.0j, -0.5 + 0.25j]), y=t([0.5 - 1.0j, 2.0 + 0.5j]), tol="sum")
exprs("tf.GradientTape",
    """
    tf.abs(x); tf.math.angle(x); tf.sqrt(x); x ** 2; x * x; tf.sign(x); tf.math.real(x); tf.square(x);
    tf.math.divide_no_nan(x, x)
""",
    x=t([0.0 + 0.0j, 1.0j, -1.0 + 0.0j]))
exprs("tf.GradientTape",
    """
    tf.complex(x, y); tf.abs(tf.complex(x, y)); tf.math.real(tf.exp(tf.complex(x, y)));
    tf.math.angle(tf.complex(x, y)); tf.math.imag(tf.complex(x, y) ** 3)
""",
    x=t([1.0, -0.5]), y=t([2.0, 0.25]), tol="sum")


@case("tf.GradientTape")
def complex_loss_falls(tf):
    z = tf.Variable([1.0 + 1.0j, -2.0 + 0.5j])
    losses = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.abs(z - (0.5 - 0.5j)) ** 2)
        z.assign_sub(0.1 * tape.gradient(loss, z))
        losses.append(loss)
    return losses, z


@case("tf.GradientTape")
def complex_and_real_mix(tf):
    a = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        z = tf.cast(a, tf.complex64) * tf.exp(tf.complex(0.0, a))
        loss = tf.math.real(tf.reduce_sum(z * tf.math.conj(z))) + tf.math.imag(z)[0]
    return loss, tape.gradient(loss, a)
