"""Random numbers: shapes, dtypes, ranges and errors. The numbers themselves are recorded by another suite."""

from oracle.case import case, caught

# Each expression is asked for its dtype, its shape, and facts that hold for every draw.
CALLS = """
    tf.random.normal([3]); tf.random.normal([2, 3], 1., 2., tf.float64);
    tf.random.normal([], dtype=tf.float16); tf.random.normal([2], dtype='bfloat16', seed=1);
    tf.random.normal([2], mean=[1., 2.], stddev=[[1.], [2.]]); tf.random.normal(tf.constant([2, 2]));
    tf.random.normal([0]);
    tf.random.normal([2], dtype=tf.int32); tf.random.normal([-1]); tf.random.normal('a');
    tf.random.normal([2.5]); tf.random.normal([2], name='a'); tf.random.normal([2], seed='a');
    tf.random.normal(3); tf.random.normal([2], 0, 1); tf.random.normal([2], dtype=tf.complex64);
    tf.random.truncated_normal([3]); tf.random.truncated_normal([2, 3], 1., 2., tf.float64);
    tf.random.truncated_normal([2], dtype=tf.float16); tf.random.truncated_normal([2], dtype=tf.int32);
    tf.random.truncated_normal([0, 2]); tf.random.truncated_normal([-2]);
    tf.random.uniform([3]); tf.random.uniform([2, 3], 5., 6., tf.float64);
    tf.random.uniform([2], 0, 10, tf.int32); tf.random.uniform([2], maxval=10, dtype=tf.int64);
    tf.random.uniform([2], dtype=tf.int32); tf.random.uniform([2], 5, 5, tf.int32);
    tf.random.uniform([2], 5, 2, tf.int32);
    tf.random.uniform([2], dtype=tf.float16); tf.random.uniform([2], dtype=tf.bfloat16);
    tf.random.uniform([2], dtype=tf.uint8, maxval=3); tf.random.uniform([2], 0, None, tf.uint32);
    tf.random.uniform([]); tf.random.uniform([2], minval=[0., 10.], maxval=[1., 11.]);
    tf.random.uniform([2], 2., 1.);
    tf.random.uniform([-1]); tf.random.uniform([2], dtype=tf.string); tf.random.uniform([2], dtype=tf.bool);
    tf.random.uniform([0], 0, 3, tf.int32); tf.random.uniform(shape=(1,), seed=3, name='a');
    tf.random.uniform([2], 0., 10., tf.int32); tf.random.uniform([3], maxval=1, dtype=tf.int32);
    tf.random.poisson([3], 2.); tf.random.poisson([2], [1., 5.]); tf.random.poisson([], 2., tf.int32);
    tf.random.poisson([2], 2., tf.float64); tf.random.poisson([2], -1.); tf.random.poisson([2], 2);
    tf.random.poisson([0], 2.); tf.random.poisson([2], 2., tf.string); tf.random.poisson([3], 0.);
    tf.random.gamma([3], 2.); tf.random.gamma([2], [1., 5.]); tf.random.gamma([2], 2., 3.);
    tf.random.gamma([2], [[1.], [2.]], [3., 4., 5.]); tf.random.gamma([], 2., dtype=tf.float64);
    tf.random.gamma([2], -1.); tf.random.gamma([2], 2., dtype=tf.int32); tf.random.gamma([0], 2.);
    tf.random.gamma([2], 0.5, dtype=tf.float16);
    tf.random.categorical([[0., 1., 2.]], 5); tf.random.categorical([[0., 1.], [1., 0.]], 3, tf.int32);
    tf.random.categorical([[0., -1e9]], 4); tf.random.categorical([0., 1.], 2);
    tf.random.categorical([[0., 1.]], -1); tf.random.categorical([[0., 1.]], 0);
    tf.random.categorical([[]], 2);
    tf.random.categorical(tf.constant([[0., 1.]], tf.float64), 2); tf.random.categorical([[0, 1]], 2);
    tf.random.categorical([[0., 1.]], 2, tf.float32); tf.random.categorical([[0., 1.]], 2.5);
    tf.random.shuffle([1, 2, 3]); tf.random.shuffle([[1, 2]]); tf.random.shuffle([]); tf.random.shuffle(3);
    tf.random.shuffle(['a', 'b']);
    tf.random.stateless_normal([3], [1, 2]); tf.random.stateless_normal([2], [1, 2], 5., 0., tf.float64);
    tf.random.stateless_normal([2], [1]); tf.random.stateless_normal([2], 1);
    tf.random.stateless_normal([2], [1., 2.]); tf.random.stateless_normal([2], [1, 2], dtype=tf.int32);
    tf.random.stateless_normal([2], [1, 2], dtype=tf.float16);
    tf.random.stateless_normal([2], [1, 2], dtype=tf.bfloat16); tf.random.stateless_normal([-2], [1, 2]);
    tf.random.stateless_normal([2], [1, 2, 3]); tf.random.stateless_normal([2], [1, 2], alg='philox');
    tf.random.stateless_normal([2], [1, 2], alg='threefry');
    tf.random.stateless_normal([2], [1, 2], alg='no'); tf.random.stateless_normal([2], [1, 2], alg=99);
    tf.random.stateless_normal([2], tf.constant([1, 2], tf.int64));
    tf.random.stateless_normal([2], [1, 2], [1., 2.], [[1.], [2.]]);
    tf.random.stateless_normal([2], tf.constant([1, 2], tf.uint8));
    tf.random.stateless_truncated_normal([3], [1, 2]);
    tf.random.stateless_truncated_normal([2], [1, 2], 5., 1., tf.float64);
    tf.random.stateless_truncated_normal([2], [1]);
    tf.random.stateless_truncated_normal([2], [1, 2], dtype=tf.int32);
    tf.random.stateless_uniform([3], [1, 2]); tf.random.stateless_uniform([2], [1, 2], 5., 6., tf.float64);
    tf.random.stateless_uniform([2], [1, 2], 0, 10, tf.int32);
    tf.random.stateless_uniform([2], [1, 2], None, None, tf.int32);
    tf.random.stateless_uniform([2], [1, 2], 0, None, tf.int32);
    tf.random.stateless_uniform([2], [1, 2], None, None, tf.float32);
    tf.random.stateless_uniform([2], [1, 2], None, None, tf.uint64);
    tf.random.stateless_uniform([2], [1, 2], 5, 5, tf.int32);
    tf.random.stateless_uniform([2], [1, 2], dtype=tf.int64); tf.random.stateless_uniform([2], [1]);
    tf.random.stateless_uniform([2], [1, 2], dtype=tf.string);
    tf.random.stateless_uniform([2], [1, 2], 0, 3, tf.int8);
    tf.random.stateless_uniform([2], [1, 2], dtype=tf.float16); tf.random.stateless_uniform([], [1, 2]);
    tf.random.stateless_uniform([2], [1, 2], 1, 4, tf.uint32);
    tf.random.stateless_categorical([[0., 1.]], 3, [1, 2]);
    tf.random.stateless_categorical([[0., 1.]], 3, [1, 2], tf.int32);
    tf.random.stateless_categorical([0., 1.], 3, [1, 2]);
    tf.random.stateless_categorical([[0., 1.]], 3, [1]);
    tf.random.stateless_categorical([[0., 1.]], -1, [1, 2]);
    tf.random.stateless_gamma([3], [1, 2], 2.);
    tf.random.stateless_gamma([2, 2], [1, 2], [1., 5.], [2., 3.]);
    tf.random.stateless_gamma([3], [1, 2], [1., 5.]);
    tf.random.stateless_gamma([2], [1, 2], 2., dtype=tf.float64); tf.random.stateless_gamma([2], [1], 2.);
    tf.random.stateless_gamma([2], [1, 2], -1.);
    tf.random.stateless_poisson([3], [1, 2], 2.);
    tf.random.stateless_poisson([2], [1, 2], [1., 5.], tf.float32);
    tf.random.stateless_poisson([3], [1, 2], [1., 5.]); tf.random.stateless_poisson([2], [1], 2.);
    tf.random.stateless_poisson([2], [1, 2], 2., tf.int64); tf.random.stateless_poisson([2], [1, 2], -2.);
    tf.random.stateless_binomial([3], [1, 2], 10., 0.5);
    tf.random.stateless_binomial([2], [1, 2], [10., 20.], [0.1, 0.9], tf.float32);
    tf.random.stateless_binomial([2], [1, 2], 10, 0.5); tf.random.stateless_binomial([2], [1], 10., 0.5);
    tf.random.stateless_binomial([3], [1, 2], [1., 2.], 0.5);
    tf.random.stateless_binomial([2], [1, 2], 10., 0.); tf.random.stateless_binomial([2], [1, 2], 10., 1.);
    tf.random.stateless_binomial([2], [1, 2], 0., 0.5);
    tf.random.split([1, 2]); tf.random.split([1, 2], 3); tf.random.split([1, 2], num=1);
    tf.random.split([1, 2], 0); tf.random.split([1, 2], -1); tf.random.split([1]);
    tf.random.split([1, 2], 2.5); tf.random.split(tf.constant([1, 2], tf.int64)); tf.random.split([1., 2.]);
    tf.random.split([1, 2], alg='no');
    tf.random.fold_in([1, 2], 3); tf.random.fold_in([1, 2], tf.constant(3, tf.int64));
    tf.random.fold_in([1], 3); tf.random.fold_in([1, 2], 'a'); tf.random.fold_in([1, 2], 2.5);
    tf.random.fold_in(tf.constant([1, 2], tf.int64), 3); tf.random.fold_in([1, 2], [3, 4]);
    tf.random.fold_in([1, 2], -1);
    tf.random.experimental.index_shuffle(0, [1, 2, 3], 9);
    tf.random.experimental.index_shuffle([0, 1, 2], [1, 2, 3], 9);
    tf.random.experimental.index_shuffle(10, [1, 2, 3], 9);
    tf.random.experimental.index_shuffle(0, [1, 2], 9);
    tf.random.experimental.index_shuffle(-1, [1, 2, 3], 9);
    tf.random.experimental.index_shuffle(tf.constant(0, tf.int64), tf.constant([1, 2, 3], tf.int64),
    tf.constant(9, tf.int64));
    tf.random.experimental.index_shuffle(0., [1, 2, 3], 9); tf.random.set_seed(1); tf.random.set_seed('a');
    tf.random.set_seed(2.5); tf.random.set_seed(None); tf.random.set_seed(2**70)
"""
SYMBOLS = {}
for text in CALLS.split(";"):
    text = " ".join(text.split())
    SYMBOLS.setdefault(text.split("(")[0], []).append(text)


def facts(tf, source):
    x = caught(eval, source, {"tf": tf})
    if x is None or hasattr(x, "error"):
        return x
    return x.dtype, x.shape


for symbol, sources in SYMBOLS.items():
    case(symbol, params=sources)(facts)


@case("tf.random.uniform", "tf.random.normal", "tf.random.truncated_normal", "tf.random.poisson",
    "tf.random.gamma", "tf.random.categorical", "tf.random.shuffle")
def stateful_ranges(tf):
    tf.random.set_seed(5)
    u, n, cut, p, g = tf.random.uniform([500], 2.0, 3.0), tf.random.normal([500], 10.0,
        0.1), tf.random.truncated_normal([500]), tf.random.poisson([200], 3.0), tf.random.gamma([200], 2.0)
    i, c, s = tf.random.uniform([500], -3, 4, tf.int32), tf.random.categorical([[0.0, 0.0, -1e9]],
        200), tf.random.shuffle(tf.range(50))
    return [
        tf.reduce_all((u >= 2.0) & (u < 3.0)), tf.reduce_all(tf.abs(n - 10.0) < 1.0),
            tf.reduce_all(tf.abs(cut) <= 2.0), tf.reduce_all(p == tf.round(p)), tf.reduce_all(g > 0.0),
            tf.reduce_min(i), tf.reduce_max(i), tf.reduce_max(c),
        tf.sort(s), tf.reduce_all(s == tf.range(50)), tf.abs(tf.reduce_mean(n) - 10.0) < 0.05,
            tf.abs(tf.reduce_mean(u) - 2.5) < 0.1, tf.abs(tf.reduce_mean(p) - 3.0) < 0.6,
            tf.abs(tf.reduce_mean(g) - 2.0) < 0.6,
    ]


@case("tf.random.set_seed", eager_only=True)
def seeds_repeat(tf):
    def draw():
        return tf.random.uniform([4]), tf.random.normal([4]), tf.random.uniform([3], seed=7)

    tf.random.set_seed(9)
    a = draw()
    b = draw()
    tf.random.set_seed(9)
    c = draw()
    return [tf.reduce_all(p == q) for p, q in zip(a, c, strict=True)], [tf.reduce_all(p == q) for p,
        q in zip(a, b, strict=True)]


@case("tf.random.Generator", "tf.random.Algorithm", eager_only=True)
def generators(tf):
    g = tf.random.Generator.from_seed(3)
    h = tf.random.Generator.from_state(g.state, alg=g.algorithm)
    first = g.normal([3])
    same = tf.reduce_all(first == h.normal([3]))
    parts = g.split(2)
    return (same, g.algorithm, g.state.shape, g.state.dtype, g.key.shape, g.key.dtype, g.uniform([2], 0, 5,
        tf.int32).dtype, g.truncated_normal([2], dtype=tf.float64).dtype, g.uniform_full_int([2]).dtype,
        g.uniform_full_int([2], tf.int32).dtype,
            g.binomial([2], 10.0, 0.5).dtype, g.make_seeds(2).shape, g.make_seeds().shape, len(parts),
                tf.reduce_all(parts[0].normal([2]) == parts[1].normal([2])), g.normal([2], 5.0, 0.0))


@case("tf.random.Generator", eager_only=True)
def generator_state(tf):
    g = tf.random.Generator.from_seed(1)
    before = g.state.numpy()
    g.skip(10)
    after = g.state.numpy()
    g.reset_from_seed(1)
    again = g.state.numpy()
    g.reset([1, 2, 3])
    fourth = g.state.numpy()
    g.reset_from_key_counter(5, [7, 8])
    return before, after, again, fourth, g.state.numpy(), tf.random.Generator.from_key_counter(5, [7, 8],
        alg="philox").state, tf.random.Generator(copy_from=g).state, tf.random.Generator(state=[1, 2, 3],
        alg="philox").state


@case("tf.random.Generator", eager_only=True)
def generator_refuses(tf):
    def made(*args, **kwargs):
        return tf.random.Generator(*args, **kwargs) is not None

    g = tf.random.Generator.from_seed(1)
    return [caught(made), caught(made, state=[1, 2, 3]), caught(made, state=[1], alg="philox"), caught(made,
        state=[1, 2, 3], alg="no"), caught(made, copy_from=g, alg="philox"), caught(g.normal, [2],
        dtype=tf.int32), caught(g.uniform, [2], dtype=tf.int32),
            caught(g.normal, [-1]), caught(g.reset, [1])]


@case("tf.random.get_global_generator", "tf.random.set_global_generator", eager_only=True)
def global_generator(tf):
    g = tf.random.Generator.from_seed(1)
    before = tf.random.get_global_generator()
    tf.random.set_global_generator(g)
    same = tf.random.get_global_generator() is g
    tf.random.set_global_generator(before)
    return same, type(before).__name__, caught(tf.random.set_global_generator)


@case("tf.random.normal", "tf.random.uniform", "tf.random.gamma")
def gradients_through_draws(tf):
    mean, scale, alpha = tf.Variable([1.0, 2.0]), tf.Variable(2.0), tf.Variable([2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        n = tf.random.normal([2], mean, scale, seed=1)
        u = tf.random.uniform([2], mean, 5.0, seed=1)
        noise = (n - mean) / scale
    g = tape.gradient(n, [mean, scale])
    return g[0], tf.abs(g[1] - tf.reduce_sum(noise)) < 1e-5, tape.gradient(u, mean) is not None, alpha
