"""Activations, losses, moments and clipping."""

import numpy as np

from oracle.case import (
    COMPLEX,
    FLOATS,
    INTS,
    REALS,
    UINTS,
    call,
    case,
    edges,
    expr,
    exprs,
    spread,
    t,
    unary,
    v,
)

NAN, INF = float("nan"), float("inf")
WIDE = ("float32", "float64")

# Activations.
unary("tf.nn.relu", REALS, bad=("complex64", "bool", "string"), tol="exact")
unary("tf.nn.relu6", REALS, bad=("complex64", "bool", "string"), tol="exact", lo=-4, hi=9)
unary("tf.nn.leaky_relu", FLOATS + INTS + UINTS, bad=("complex64", "bool", "string"))
unary("tf.nn.elu", FLOATS, bad=("complex64", "int32", "string"))
unary("tf.nn.selu", FLOATS, bad=("complex64", "int32", "string"))
unary("tf.nn.gelu", FLOATS, bad=("complex64", "int32", "string"))
unary("tf.nn.gelu", FLOATS, bad=(), approximate=True)
unary("tf.nn.silu", FLOATS + COMPLEX, bad=("int32", "bool"), shapes=False)
unary("tf.nn.crelu", FLOATS + INTS, bad=("complex64", "bool", "string"), shapes=False)
unary("tf.nn.l2_loss", FLOATS, bad=("complex64", "int32", "string"), tol="sum", edge=False)
for beta in (0.5, 2, t(1.5), 0.0, -1.0):
    call("tf.nn.silu", spread("float32", (4,)), beta)
for alpha in (0.0, 0.5, 1.5, -1.0, t(0.3)):
    call("tf.nn.leaky_relu", spread("float32", (4,)), alpha)
for axis in (0, 1, -1, 2, -3):
    call("tf.nn.crelu", spread("float32", (2, 3)), axis, tol="exact")
call("tf.nn.crelu", t(1.0))
call("tf.nn.l2_loss", t([INF, 1.0]), tag="inf")
for symbol in ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu"):
    call(f"tf.nn.{symbol}", t([0.0, -0.0, 6.0, 1.0]), tag="kinks")
    call(f"tf.nn.{symbol}", v([1.0, -1.0]))
for symbol in ("softplus", "softsign", "sigmoid", "tanh", "softmax", "log_softmax", "swish"):
    call(f"tf.nn.{symbol}", spread("float32", (2, 3)))

# Losses.
for dtype in FLOATS:
    logits, labels = spread(dtype, (2, 3), -4, 4), spread(dtype, (2, 3), 0, 1, seed=1)
    shares = t(labels.array / labels.array.sum(-1, keepdims=True), dtype)
    call("tf.nn.sigmoid_cross_entropy_with_logits", labels, logits)
    call("tf.nn.weighted_cross_entropy_with_logits", labels, logits, 2.0)
    call("tf.nn.softmax_cross_entropy_with_logits", shares, logits)
    call("tf.nn.sparse_softmax_cross_entropy_with_logits", [0, 2], logits)
    call("tf.nn.log_poisson_loss", labels, spread(dtype, (2, 3)))
    call("tf.nn.log_poisson_loss", spread(dtype, (2, 3), 0.5, 4), spread(dtype, (2, 3)),
        compute_full_loss=True)
    few = edges(dtype, few=True)
    ones = t(np.ones_like(few.array), dtype)
    call("tf.nn.sigmoid_cross_entropy_with_logits", ones, few, tag=f"edge-{dtype}")
    call("tf.nn.weighted_cross_entropy_with_logits", ones, few, 0.5, tag=f"edge-{dtype}")
    big = t([[100.0, -100.0, 0.0], [INF, 0.0, 1.0], [-INF, 0.0, 1.0], [NAN, 0.0, 1.0]], dtype)
    call("tf.nn.sparse_softmax_cross_entropy_with_logits", [1, 1, 1, 1], big, tag=f"edge-{dtype}")
    rows = t([[0.0, 0.5, 0.5], [0, 1, 0], [0, 1, 0], [0, 1, 0]], dtype)
    call("tf.nn.softmax_cross_entropy_with_logits", rows, big, tag=f"edge-{dtype}")
for dtype in ("int32", "complex64", "bool", "string"):
    x = spread(dtype, (2, 3))
    call("tf.nn.sigmoid_cross_entropy_with_logits", x, x, grad=False)
    call("tf.nn.softmax_cross_entropy_with_logits", x, x, grad=False)
    call("tf.nn.sparse_softmax_cross_entropy_with_logits", [0, 2], x, grad=False)
    call("tf.nn.log_poisson_loss", x, x, grad=False)
for left, right in (((2,), (3,)), ((2, 3), (3,)), ((), ()), ((0,), (0,)), ((2, 0), (2, 0)), ((2, 1), (2, 3)),
    ((3,), (3,)), ((2, 2, 3), (2, 2, 3))):
    a, b = spread("float32", left, 0, 1), spread("float32", right, seed=1)
    call("tf.nn.sigmoid_cross_entropy_with_logits", a, b)
    call("tf.nn.weighted_cross_entropy_with_logits", a, b, 2.0)
    call("tf.nn.softmax_cross_entropy_with_logits", a, b)
    call("tf.nn.log_poisson_loss", a, b)
for axis in (0, 1, -1, -3, 3, -4):
    call("tf.nn.softmax_cross_entropy_with_logits", spread("float32", (2, 3, 2), 0, 1), spread("float32", (2,
        3, 2)), axis)
call("tf.nn.weighted_cross_entropy_with_logits", spread("float32", (3,), 0, 1), spread("float32", (3,)),
    t([1.0, 2.0, 0.5]))
call("tf.nn.weighted_cross_entropy_with_logits", spread("float32", (3,), 0, 1), spread("float32", (3,)),
    pos_weight=t(3.0), name="a")
call("tf.nn.sigmoid_cross_entropy_with_logits", None, spread("float32", (3,)))
call("tf.nn.sigmoid_cross_entropy_with_logits", spread("float32", (3,)))
call("tf.nn.sigmoid_cross_entropy_with_logits", spread("float32", (3,)), spread("float64", (3,)))
call("tf.nn.sigmoid_cross_entropy_with_logits", [1.0, 0.0], [0.5, -2.0], name="a")
call("tf.nn.softmax_cross_entropy_with_logits", [[1.0, 0.0]], [[0.5, -2.0]], name="a")
call("tf.nn.softmax_cross_entropy_with_logits", None, spread("float32", (3,)))
call("tf.nn.softmax_cross_entropy_with_logits", t([[1, 0]]), spread("float32", (1, 2)))
for labels in ([0, 3], [0, -1], [0], [[0, 1]], 0, [0.0, 1.0], t([0, 1], "int64"), t([0, 1], "uint8"), None,
    [1, 1]):
    call("tf.nn.sparse_softmax_cross_entropy_with_logits", labels, spread("float32", (2, 3)))
call("tf.nn.sparse_softmax_cross_entropy_with_logits", [[0, 1], [2, 0]], spread("float32", (2, 2, 3)))
call("tf.nn.sparse_softmax_cross_entropy_with_logits", 1, spread("float32", (3,)))
call("tf.nn.sparse_softmax_cross_entropy_with_logits", 1, spread("float32", ()))
call("tf.nn.sparse_softmax_cross_entropy_with_logits", labels=[1, 0], logits=[[1.0, 2.0], [3.0, 4.0]],
    name="a")
exprs("tf.nn.compute_average_loss", """
    tf.nn.compute_average_loss(x); tf.nn.compute_average_loss(x, sample_weight=[1., 0., 2.]);
    tf.nn.compute_average_loss(x, global_batch_size=6);
    tf.nn.compute_average_loss(x, sample_weight=2.); tf.nn.compute_average_loss([1, 2]);
    tf.nn.compute_average_loss(x, None, 2.5); tf.nn.compute_average_loss(3.);
    tf.nn.compute_average_loss(x, global_batch_size=tf.constant(2));
    tf.nn.compute_average_loss(x, global_batch_size=-1);
    tf.nn.compute_average_loss(x, sample_weight=[1., 2.]);
    tf.nn.scale_regularization_loss(x); tf.nn.scale_regularization_loss(2.);
    tf.nn.scale_regularization_loss([1, 2])
""", x=t([1.0, 2.0, 6.0]))
exprs("tf.nn.scale_regularization_loss", "tf.nn.scale_regularization_loss(x)", x=t([1.0, 2.0, 6.0]))

# Bias, dropout, lookups, moments, normalisation.
for dtype in (*REALS, "complex64", "string"):
    call("tf.nn.bias_add", spread(dtype, (2, 3)), spread(dtype, (3,), seed=1), tol="exact")
for args, kwargs in ((((2, 3), (2,)), {}), (((2, 3), (3, 1)), {}), (((3,), (3,)), {}), (((2, 2, 3), (3,)),
    {}), (((2, 3, 2, 2), (3,)), {"data_format": "NCHW"}), (((2, 2, 2, 3), (3,)), {"data_format": "NHWC"}),
                     (((2, 3), (3,)), {"data_format": "no"}), (((2, 3), (3,)), {"name": "a"}), (((2, 3), (3,
                         )), {"data_format": "N...C"}), (((2, 3, 2), (3,)), {"data_format": "NC..."}), (((0,
                         3), (3,)), {})):
    call("tf.nn.bias_add", spread("float32", args[0]), spread("float32", args[1], seed=1), tol="exact",
        **kwargs)
call("tf.nn.bias_add", spread("float32", (2, 3)), spread("float64", (3,)))
for rate in (0, 0.0, 1, 1.0, -0.1, 1.5, "a", None, t(0.0), t([0.5])):
    call("tf.nn.dropout", spread("float32", (2, 3)), rate) if rate != 1 else None
call("tf.nn.dropout", spread("int32", (2, 3)), 0.5)
call("tf.nn.dropout", spread("float32", (2, 3)), 0.5, noise_shape=[3, 3])
call("tf.nn.dropout", [1.0, 2.0], 0.0)


@case("tf.nn.dropout")
def dropout_keeps_or_scales(tf):
    x = tf.ones([40, 5], tf.float64)
    tf.random.set_seed(3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.dropout(x, 0.25)
    kept = y != 0
    rows = tf.nn.dropout(x, 0.5, noise_shape=[40, 1])
    return (y.dtype, y.shape, tf.reduce_all(tf.where(kept, tf.abs(y - 1 / 0.75) < 1e-12, True)),
        tf.reduce_all(tape.gradient(y, x) == y),
            tf.reduce_all(rows == rows[:, :1]))


for dtype in (*REALS, "complex64", "string"):
    call("tf.nn.embedding_lookup", spread(dtype, (3, 2)), [2, 0, 2], tol="exact")
for args, kwargs in (((0,), {}), (([[0, 1], [2, 2]],), {}), (([3],), {}), (([-1],), {}), (([0.5],), {}), (([],
    ), {}), ((t([1], "int64"),), {}), (([0, 1],), {"max_norm": 0.5}), (([0, 1],), {"name": "a"}), (([[0],
    [1]],), {"max_norm": 1.0}),
                     (([0],), {"max_norm": t(0.25)})):
    call("tf.nn.embedding_lookup", spread("float32", (3, 2)), *args, **kwargs)
call("tf.nn.embedding_lookup", v([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0])
call("tf.nn.embedding_lookup", v([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], max_norm=1.0)
call("tf.nn.embedding_lookup", [spread("float32", (2, 2)), spread("float32", (2, 2), seed=1)], [0, 1, 3])
call("tf.nn.embedding_lookup", None, [0])
for dtype in (*FLOATS, "complex64", "int32", "string"):
    call("tf.nn.moments", spread(dtype, (2, 3)), [0], tol="sum")
    call("tf.nn.weighted_moments", spread(dtype, (2, 3)), [0], spread(dtype, (2, 3), 0.5, 2,
        seed=1) if dtype in FLOATS else 1.0, tol="sum")
for axes, kwargs in (([0, 1], {}), ([1], {"keepdims": True}), (0, {}), ([-1], {}), ([], {}), ([2], {}), ([0],
    {"shift": 1.0}), ([0, 1], {"keepdims": True, "name": "a"}), (None, {}), ([0, 0], {})):
    call("tf.nn.moments", spread("float32", (2, 3)), axes, tol="sum", **kwargs)
    if "shift" not in kwargs:
        call("tf.nn.weighted_moments", spread("float32", (2, 3)), axes, spread("float32", (2, 3), 0.5, 2,
            seed=1), tol="sum", **kwargs)
call("tf.nn.weighted_moments", spread("float32", (2, 3)), [0], t([[1.0], [2.0]]), tol="sum")
call("tf.nn.weighted_moments", spread("float32", (2, 3)), [0], 2, tol="sum")
call("tf.nn.moments", t([[NAN, 1.0], [INF, 1.0]]), [0], tag="edge")
call("tf.nn.moments", spread("float32", (0, 2)), [0])
for dtype in (*FLOATS, "complex64", "int32", "string"):
    x, mean, scale = spread(dtype, (2, 3)), spread(dtype, (3,), seed=1), spread(dtype, (3,), 0.5, 2, seed=2)
    call("tf.nn.batch_normalization", x, mean, scale, mean, scale, 0.001)
for offset in (None, t([1.0, 2.0, 3.0])):
    for scale in (None, t([0.5, 1.0, 2.0]), 2.0):
        call("tf.nn.batch_normalization", spread("float32", (2, 3)), t([0.0, 1.0, -1.0]), t([1.0, 4.0, 0.25]),
            offset, scale, 1e-3)
call("tf.nn.batch_normalization", spread("float32", (2, 3)), 0.0, 1.0, None, None, 0.0, name="a")
call("tf.nn.batch_normalization", spread("float32", (2, 3)), t([0.0, 1.0]), 1.0, None, None, 0.0)
call("tf.nn.batch_normalization", spread("float32", (2,)), 0.0, t([0.0, -1.0]), None, None, 0.0)

# Clipping.
for dtype in (*REALS, "complex64", "string"):
    call("tf.clip_by_value", spread(dtype, (2, 4)), t(1, dtype) if dtype != "string" else "a", t(2,
        dtype) if dtype != "string" else "b", tol="exact")
for dtype in (*FLOATS, "complex64", "int32"):
    call("tf.clip_by_norm", spread(dtype, (2, 3)), t(1, dtype), tol="sum")
    call("tf.clip_by_global_norm", [spread(dtype, (2,)), spread(dtype, (2, 2), seed=1)], t(1, dtype),
        tol="sum")
for lo, hi in ((-1.0, 1.0), (1.0, -1.0), (0, 1), (t([-1.0, 0.0, 0.5]), t([1.0, 1.0, 1.0])), (t([[0.0],
    [0.5]]), 1.0), (-INF, INF), (NAN, 1.0), (t([0.0, 1.0]), 2.0), ("a", "b"), (t(0.0, "float64"), 1.0),
               (t(-0.5), t(0.5)), (None, 1.0)):
    call("tf.clip_by_value", spread("float32", (2, 3)), lo, hi, tol="exact")
call("tf.clip_by_value", t([-1.0, 0.0, 1.0, 2.0, -2.0]), -1.0, 1.0, tag="limits")
call("tf.clip_by_value", t([-1.0, 0.0, 1.0]), t([-1.0, 0.0, 0.0]), t([1.0, 0.0, 1.0]), tag="limits-tensor")
call("tf.clip_by_value", edges("float32"), -1.0, 1.0, tag="edge", tol="exact")
call("tf.clip_by_value", [1, 5], 2, 3, name="a")
call("tf.clip_by_value", spread("int32", (3,)), 0.5, 1.5)
expr("tf.clip_by_value", "tf.clip_by_value(tf.IndexedSlices(x, [1, 0], [3]), 0., 1.)", x=t([-1.0, 2.0]),
    grad=False)
for norm, axes in ((1.0, None), (100.0, None), (1.0, [1]), (0.5, 0), (0.0, None), (-1.0, None), (t([[1.0],
    [2.0]]), [1]), (1, None), (INF, None), (1.0, [2])):
    call("tf.clip_by_norm", spread("float32", (2, 3)), norm, axes, tol="sum")
call("tf.clip_by_norm", t([0.0, 0.0]), 1.0, tag="zero")
call("tf.clip_by_norm", t([3.0, 4.0]), 5.0, tag="limit")
call("tf.clip_by_norm", [3.0, 4.0], 1.0, name="a")
expr("tf.clip_by_norm", "tf.clip_by_norm(tf.IndexedSlices(x, [1, 0], [3]), 1.)", x=t([-1.0, 2.0]), grad=False)
exprs("tf.clip_by_global_norm", """
    tf.clip_by_global_norm([x, 2. * x], 1.); tf.clip_by_global_norm([x], 100.);
    tf.clip_by_global_norm([x, None], 1.); tf.clip_by_global_norm([x], 1., use_norm=tf.constant(10.));
    tf.clip_by_global_norm([], 1.); tf.clip_by_global_norm(x, 1.); tf.clip_by_global_norm([x], 0.);
    tf.clip_by_global_norm([x * 0.], 1.); tf.clip_by_global_norm([x / 0.], 1.);
    tf.clip_by_global_norm([tf.IndexedSlices(x, [1, 0], [3]), x], 1.);
    tf.clip_by_global_norm((x, x), 1., name='a'); tf.clip_by_global_norm([[3., 4.]], 1);
    tf.clip_by_global_norm([x, x], tf.constant(2.));
    tf.clip_by_global_norm([x], 5.); tf.clip_by_global_norm([None], 1.)
""", x=t([3.0, 4.0]), tol="sum")
