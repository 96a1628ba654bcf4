"""What TensorFlow was asked, as programs: each is a list of Python expressions over `tf`, `np` and `R`
(`tf.random`), evaluated in order after `tf.random.set_seed(None)`; their values are recorded. `x = ...` gives
none.
"""

SEEDS = ("[1, 2]", "(0, 0)", "[-5, 2**31 - 1]", "tf.constant([2**40 + 3, -2**50], tf.int64)")
SHAPES = ("[]", "[0]", "[1]", "[5]", "[3, 7]", "[2, 0, 3]", "tf.constant([1030], tf.int64)", "(2, 3, 1100)")
FLOATS = ("float16", "bfloat16", "float32", "float64")

CASES: dict[str, list[str]] = {}


def case(name: str, *lines: str) -> None:
    assert name not in CASES, name
    CASES[name] = list(lines)


# -- stateless -----------------------------------------------------------------------------------------------

for function in ("stateless_uniform", "stateless_normal", "stateless_truncated_normal"):
    for dtype in FLOATS:
        case(f"{function} {dtype}", *(f"R.{function}({s}, {SEEDS[0]}, dtype='{dtype}')" for s in SHAPES))
        case(f"{function} {dtype} seeds", *(f"R.{function}([9], {s}, dtype='{dtype}')" for s in SEEDS))
    # More than one chunk of work, and more than TensorFlow gives one thread.
    case(f"{function} large", f"R.{function}([200003], [3, 4])")
    case(
        f"{function} arguments",
        f"R.{function}(tf.TensorShape([3]), np.array([1, 2]), alg='philox')",
        f"R.{function}([tf.constant(3)], [1, tf.constant(2)], alg=None)",
        f"R.{function}([2, 3], [1, 2], [[0.5], [1.5]], [1., 2., 3.])",
        f"R.{function}([2], [1, 2], tf.constant(1., tf.float64), 3, 'float64', 'name', 'auto_select')",
        f"R.{function}(2, [1, 2])",
        f"R.{function}([[2]], [1, 2])",
        f"R.{function}([2, -1], [1, 2])",
        f"R.{function}([2.5], [1, 2])",
        f"R.{function}(tf.TensorShape([None]), [1, 2])",
        f"R.{function}([2], [1, 2, 3])",
        f"R.{function}([2], 5)",
        f"R.{function}([2], [1., 2.])",
        f"R.{function}([2], tf.constant([1, 2], tf.uint32))",
        f"R.{function}([2], [1, 2], tf.constant(1., tf.float64))",
        f"R.{function}([2], [1, 2], alg='threefry')",
        f"R.{function}([2], [1, 2], alg='foo')",
        f"R.{function}([2], [1, 2], alg=7)",
        f"R.{function}([2], [1, 2], alg=2.5)",
    )
for function in ("stateless_normal", "stateless_truncated_normal"):
    case(f"{function} int", f"R.{function}([2], [1, 2], dtype='int32')")
for dtype in ("int32", "int64"):
    ranges = ("0, 10", "-5, 1000003", f"tf.{dtype}.min, tf.{dtype}.max", "-128, 128", "3, 4")
    case(
        f"stateless_uniform {dtype}",
        *(f"R.stateless_uniform({s}, [1, 2], 0, 10, '{dtype}')" for s in SHAPES),
        *(f"R.stateless_uniform([11], {SEEDS[2]}, {r}, '{dtype}')" for r in ranges),
        f"R.stateless_uniform([2], [1, 2], dtype='{dtype}')",
        f"R.stateless_uniform([2], [1, 2], 5, 5, dtype='{dtype}')",
        f"R.stateless_uniform([0], [1, 2], 5, 5, dtype='{dtype}')",
        f"R.stateless_uniform([2], [1, 2], [5], 6, dtype='{dtype}')",
        f"R.stateless_uniform([2], [1, 2], 1.5, 6, dtype='{dtype}')",
    )
for dtype in ("int32", "int64", "uint32", "uint64"):
    case(
        f"stateless_uniform {dtype} whole",
        *(f"R.stateless_uniform({s}, [1, 2], None, None, '{dtype}')" for s in SHAPES),
    )
case(
    "stateless_uniform dtypes",
    "R.stateless_uniform([2], [1, 2], dtype='int8')",
    "R.stateless_uniform([2], [1, 2], maxval=3, dtype='uint32')",
    "R.stateless_uniform([2], [1, 2], minval=None)",
)

PROBS = "[.5, .3, .9, .5, .1, .09, .5, .25, .999, 1, 0, .5, -.1, 1.5]"
COUNTS = "[0, 1, 5, 20, 30, 100, 1000, 20000, 100, 50, 50, -3, 7, 7]"
for dtype in ("float16", "float32", "float64"):
    case(
        f"stateless_binomial {dtype}",
        f"n = tf.constant({COUNTS}, '{dtype}')",
        f"p = tf.constant({PROBS}, '{dtype}')",
        "R.stateless_binomial([100, 14], [1, 2], n, p)",
    )
case(
    "stateless_binomial",
    *(
        f"R.stateless_binomial([50], [7, 8], 30., .4, output_dtype='{d}')"
        for d in ("float32", "int64", "float16")
    ),
    "R.stateless_binomial([4, 2, 3], [5, 6], [[10.], [20.]], [.1, .5, .9])",
    "R.stateless_binomial([2], [1, 2], 5, .5)",
    "R.stateless_binomial([0], [1, 2], 5, .5)",
    "R.stateless_binomial([2], [1, 2], 5., float('nan'), output_dtype='float32')",
    "R.stateless_binomial([2, 3], [1, 2], [1., 2.], .5)",
    "R.stateless_binomial([2], [1, 2], [1., 2.], [.5, .1, .2])",
    "R.stateless_binomial([2], [1, 2, 3], 1., .5)",
    "R.stateless_binomial([2], [1, 2], 5., .5, output_dtype='int8')",
)

ALPHAS = "[0., 1e-3, .3, .999, 1., 1.001, 2.5, 30, 1e4]"
for dtype in ("float16", "float32", "float64"):
    case(f"stateless_gamma {dtype}", f"R.stateless_gamma([120, 9], [1, 2], {ALPHAS}, dtype='{dtype}')")
case(
    "stateless_gamma",
    *(f"R.stateless_gamma([7], {s}, 0.7)" for s in SEEDS),
    "R.stateless_gamma([4, 2, 3], [5, 6], [[1.5], [2.]], [1., 2., 3.])",
    "R.stateless_gamma([5], [5, 6], 2., beta=4.)",
    "R.stateless_gamma([0], [5, 6], 2.)",
    "R.stateless_gamma([9], [5, 6], 65504., dtype='float16')",
    "R.stateless_gamma([2], [5, 6], -1.)",
    "R.stateless_gamma([2], [5, 6], float('nan'))",
    "R.stateless_gamma([2, 3], [1, 2], [1., 2.])",
    "R.stateless_gamma([2, 2], [1, 2], [1., 2.], [1., 2., 3.])",
    "R.stateless_gamma([2], [1, 2, 3], 1.)",
    "R.stateless_gamma([2], [1, 2], 1., dtype='int32')",
)

RATES = "[0, .1, 1, 5, 9.99, 10, 11, 50, 1000, 2e4]"
for dtype in ("float16", "float32", "float64", "int32", "int64"):
    case(f"stateless_poisson {dtype}", f"R.stateless_poisson([100, 10], [1, 2], {RATES}, dtype='{dtype}')")
    case(f"stateless_poisson of {dtype}", f"R.stateless_poisson([30], [1, 2], tf.constant(12, '{dtype}'))")
case(
    "stateless_poisson",
    *(f"R.stateless_poisson([7], {s}, 3.)" for s in SEEDS),
    "R.stateless_poisson([0], [1, 2], 3.)",
    "R.stateless_poisson([3], [1, 2], -3.)",
    "R.stateless_poisson([3], [1, 2], float('inf'), 'float32')",
    "R.stateless_poisson([3], [1, 2], float('inf'))",
    "R.stateless_poisson([2, 3], [1, 2], [1., 2.])",
    "R.stateless_poisson([2], [1, 2, 3], 1.)",
    "R.stateless_poisson([2], [1, 2], 1., 'int8')",
    "R.stateless_poisson([2], [1, 2], tf.constant(1, tf.int8))",
)

LOGITS = "[[0., 1., 2.], [3., -float('inf'), 0.], [float('nan'), 1., float('inf')]]"
for dtype in FLOATS:
    case(
        f"stateless_categorical {dtype}",
        *(f"R.stateless_categorical(tf.constant({LOGITS}, '{dtype}'), {n}, [1, 2])" for n in (0, 1, 5, 40)),
    )
case(
    "stateless_categorical",
    *(f"R.stateless_categorical([[0., 0.5, 1.]], 9, {s}, 'int32')" for s in SEEDS),
    "R.stateless_categorical(np.zeros([0, 3], 'float32'), 2, [1, 2])",
    "R.stateless_categorical([[float('nan')] * 3], 2, [1, 2])",
    "R.stateless_categorical(np.zeros([3, 0], 'float32'), 2, [1, 2])",
    "R.stateless_categorical([1., 2.], 3, [1, 2])",
    "R.stateless_categorical([[1., 2.]], -1, [1, 2])",
    "R.stateless_categorical([[1., 2.]], [3], [1, 2])",
    "R.stateless_categorical([[1., 2.]], 3, [1, 2, 3])",
    "R.stateless_categorical([[1., 2.]], 3, [1, 2], 'float32')",
    "R.stateless_categorical([[1, 2]], 3, [1, 2])",
)

case(
    "split and fold_in",
    *(f"R.split({s}, 3)" for s in SEEDS),
    "R.split([1, 2])",
    "R.split([1, 2], 0)",
    "R.split([1, 2], tf.constant(2), alg='philox')",
    "R.split([1, 2], -1)",
    "R.split([1, 2, 3])",
    "R.split([1., 2.])",
    *(f"R.fold_in({s}, 3)" for s in SEEDS),
    "R.fold_in([1, 2], tf.constant(3, tf.int64))",
    "R.fold_in([1, 2], 3.)",
    "R.fold_in([1, 2, 3], 3)",
    "R.experimental.stateless_split([1, 2], 3)",
    "R.experimental.stateless_fold_in([1, 2], 3)",
)
case(
    "stateless_shuffle",
    *(f"R.experimental.stateless_shuffle(np.arange(20, dtype='int32'), {s})" for s in SEEDS),
    "R.experimental.stateless_shuffle([[1, 2], [3, 4], [5, 6]], [8, 9])",
    "R.experimental.stateless_shuffle(np.arange(1025, dtype='int32'), [8, 9])",
    "R.experimental.stateless_shuffle(5, [8, 9])",
    "R.experimental.stateless_shuffle(np.zeros([5, 0], 'float32'), [8, 9])",
    "R.experimental.stateless_shuffle(['a', 'b', 'c', 'd'], [8, 9])",
    "R.experimental.stateless_shuffle([1, 2], [8, 9, 1])",
)
case(
    "index_shuffle",
    "R.experimental.index_shuffle(np.arange(10, dtype='int32'), [5, 8], 9)",
    "R.experimental.index_shuffle(3, [5, 9], 9)",
    "R.experimental.index_shuffle(np.arange(4, dtype='int32'), [5, 9], [3, 3, 4, 5])",
    "R.experimental.index_shuffle(tf.constant(1, tf.int64), [5, 9], 2**40)",
    "R.experimental.index_shuffle(tf.constant([0, 7], 'uint32'), tf.constant([-1, 2**40], 'int64'), 70000)",
    "R.experimental.index_shuffle(0, [5, 9], 0)",
    "R.experimental.index_shuffle(7, [5, 9], 3)",
    "R.experimental.index_shuffle(-1, [5, 9], 3)",
    "R.experimental.index_shuffle(1, [5, 9], -3)",
    "R.experimental.index_shuffle(1, [5, 9, 1], 3)",
    "R.experimental.index_shuffle(1., [5, 9], 3)",
    "tf.random_index_shuffle(np.arange(6, dtype='int32'), [1, 2, 3], 5)",
    "tf.random_index_shuffle(np.arange(6, dtype='int32'), [[1, 2, 3]] * 6, 5, rounds=8)",
)

# -- stateful ------------------------------------------------------------------------------------------------

CALLS = (
    "R.uniform([3])",
    "R.uniform([2], dtype='float64')",
    "R.uniform([2], 0, 9, 'int32')",
    "R.normal([3])",
    "R.normal([2], 1., 2., 'float16')",
    "R.truncated_normal([3])",
    "R.gamma([2], [.5, 2.])",
    "R.poisson([3], 4.)",
    "R.shuffle(np.arange(6, dtype='int32'))",
    "R.categorical([[0., 1., 2.]], 4)",
)
for seed in ("5", "0", "-3", "2**40", "np.int64(7)", "tf.constant(7)", "True"):
    case(f"set_seed {seed}", f"R.set_seed({seed})", *CALLS, *CALLS, f"R.set_seed({seed})", CALLS[0])
SEEDED = (
    "R.uniform([3], seed=1)",
    "R.uniform([2], dtype='float64', seed=1)",
    "R.uniform([2], 0, 9, 'int32', seed=1)",
    "R.uniform([2], 0, 9, 'int64', seed=1)",
    "R.normal([3], seed=1)",
    "R.normal([3], dtype='bfloat16', seed=1)",
    "R.truncated_normal([5], seed=1)",
    "R.gamma([2], [.5, 2.], seed=1)",
    "R.poisson([3], 4., seed=1)",
    "R.poisson([3], 4., 'int32', seed=1)",
    "R.shuffle(np.arange(6, dtype='int32'), seed=1)",
    "R.shuffle(tf.constant([1., 2., 3., 4., 5.]), seed=1)",
    "R.categorical([[0., 1., 2.]] * 2, 5, seed=1)",
    "R.categorical([[0., 1., 2.]] * 2, 5, 'int32', seed=1)",
)
case("operation seeds", *SEEDED, *SEEDED, *SEEDED)
case("both seeds", "R.set_seed(5)", *SEEDED, *SEEDED, "R.set_seed(5)", *SEEDED, "R.set_seed(6)", *SEEDED)
case(
    "kept streams",
    "R.set_seed(3)",
    "R.uniform([2], seed=1)",
    "R.uniform([3, 5], seed=1)",
    "R.uniform((), seed=1)",
    "R.uniform([], seed=1)",
    "R.uniform([0], seed=1)",
    "R.uniform(tf.constant([2], tf.int64), seed=1)",
    "R.uniform(tf.TensorShape([2]), 2., 3., seed=1)",
    "R.uniform([2], seed=2)",
    "R.uniform([2], seed=np.int64(1))",
    "R.uniform([2], seed=True)",
    "R.uniform([2], seed=1 - (2**31 - 1))",
    "R.uniform([1], seed=1)",
    "R.shuffle(5, seed=1)",
    "R.shuffle([1, 2, 3, 4, 5], seed=1)",
    "R.shuffle([[1, 2], [3, 4], [5, 6]], seed=1)",
    "R.shuffle([1, 2, 3, 4, 5], seed=1)",
    "R.set_seed(0)",
    "R.uniform([2], seed=0)",
    "R.uniform([2], seed=2**31 - 1)",
)
for function in ("uniform", "normal", "truncated_normal"):
    for dtype in FLOATS:
        case(f"{function} {dtype}", *(f"R.{function}({s}, dtype='{dtype}', seed=3)" for s in SHAPES))
    case(
        f"{function} arguments",
        f"R.{function}([2, 3], [[0.5], [1.5]], [1., 2., 3.], seed=1)",
        f"R.{function}(np.array([2]), 1, 3, tf.float64, 4, 'name')",
        f"R.{function}(3)",
        f"R.{function}([[2]])",
        f"R.{function}([2, -1])",
        f"R.{function}([2.5])",
        f"R.{function}('a')",
        f"R.{function}(None)",
        f"R.{function}([2], tf.constant(1., tf.float64))",
        f"R.{function}([2], dtype='foo')",
        f"R.{function}([2], seed='a')",
    )
case(
    "normal int",
    "R.normal([2], dtype='int32')",
    "R.normal([2], dtype='complex64')",
    "R.normal([2], [1., 2., 3.])",
)
case(
    "uniform int",
    *(
        f"R.uniform([7], {r}, 'int32', seed=2)"
        for r in ("0, 10", "-5, 1000003", "tf.int32.min, tf.int32.max")
    ),
    *(
        f"R.uniform([7], {r}, 'int64', seed=2)"
        for r in ("0, 10", "-5, 1000003", "tf.int64.min, tf.int64.max")
    ),
    "R.uniform([2], dtype='int32')",
    "R.uniform([2], dtype='int8')",
    "R.uniform([2], 5, 5, 'int32')",
    "R.uniform([0], 5, 5, 'int32')",
    "R.uniform([2], [1, 2], 5, 'int64')",
    "R.uniform([2], 1.5, 5, 'int64')",
)
for dtype in ("float16", "float32", "float64"):
    case(f"gamma {dtype}", f"R.gamma([20], {ALPHAS}, dtype='{dtype}', seed=2)")
    case(f"poisson {dtype}", f"R.poisson([20], {RATES}, dtype='{dtype}', seed=2)")
    case(f"categorical {dtype}", f"R.categorical(tf.constant({LOGITS}, '{dtype}'), 9, seed=2)")
case(
    "gamma",
    "R.gamma([3], [[1.5], [2.]], [1., 2., 3.], seed=1)",
    "R.gamma([], 2., 4., seed=1)",
    "R.gamma([0], 2., seed=1)",
    "R.gamma([2], np.zeros([0], 'float32'), seed=1)",
    "R.gamma([2], 1., seed=1)",
    "R.gamma([2], [1., 2.], [1., 2., 3.])",
    "R.gamma([2], 1., dtype='int32')",
    "R.gamma([2], tf.constant(1., tf.float64))",
    "R.gamma([-1], 1.)",
)
case(
    "poisson",
    "R.poisson([2], [[1.], [20.]], seed=1)",
    "R.poisson([], 3., seed=1)",
    "R.poisson([0], 3., seed=1)",
    "R.poisson([2], np.zeros([0], 'float32'), seed=1)",
    "R.poisson([2], 3, 'int64', seed=1)",
    "R.poisson([2], 1., 'int8')",
    "R.poisson(2, 1.)",
)
case(
    "categorical",
    "R.categorical([[0., 1., 2.]], 0, seed=1)",
    "R.categorical([[0., 1., 2.]], 6, seed=1)",
    "R.categorical([1., 2.], 3)",
    "R.categorical([[1., 2.]], -1)",
    "R.categorical([[1., 2.]], 2.5)",
    "R.categorical([[1., 2.]], 2, 'int8')",
    "R.categorical([[1, 2]], 2)",
)

# -- generators ----------------------------------------------------------------------------------------------

METHODS = (
    "g.normal([3])",
    "g.normal([2, 2], 1., 2., 'float64')",
    "g.truncated_normal([5])",
    "g.uniform([3])",
    "g.uniform([], 2., 3., 'float16')",
    "g.uniform([3], -4, 4, 'int32')",
    "g.uniform([2], None, None, 'int64')",
    "g.uniform_full_int([3])",
    "g.uniform_full_int([3], 'int32')",
    "g.binomial([5, 2], [10., 200.], [.8])",
    "g.skip(3)",
    "g.make_seeds(3)",
    "[h.state.numpy() for h in g.split(2)]",
    "g.key",
    "g.algorithm",
)
for made in (
    "from_seed(1234)",
    "from_seed(2**200 + 2**63)",
    "from_seed([1, 2])",
    "from_seed(tf.constant([3]))",
    "from_seed(-1)",
    "from_state([1, 2, 3], 'philox')",
    "from_state(tf.Variable([1, 2, 3], dtype=tf.int64), 1)",
    "from_key_counter(3, [2**64 - 1, 2**64 - 1], R.Algorithm.PHILOX)",
    "from_seed(7, alg='auto_select')",
):
    case(
        f"Generator {made}",
        f"g = R.Generator.{made}",
        *(line for method in METHODS for line in (method, "g.state.numpy()")),
    )
case(
    "Generator states",
    "g = R.Generator.from_seed(5)",
    "h = R.Generator(copy_from=g)",
    "g.normal([2])",
    "h.normal([3])",
    "h.normal([2])",
    "g.reset([4, 5, 6])",
    "g.uniform([2])",
    "g.reset_from_seed(5)",
    "g.uniform([2])",
    "g.reset_from_key_counter(2**63, [1, 2])",
    "g.state.numpy()",
    "g.uniform([2])",
    "R.set_global_generator(R.Generator.from_seed(9))",
    "R.get_global_generator().normal([2])",
    "R.get_global_generator().normal([2])",
    "R.create_rng_state(1234, 'philox')",
    "R.create_rng_state([12, 34], 'threefry')",
    "R.create_rng_state([1, 2, 3, 4], 1)",
    "R.create_rng_state(-1, 3)",
    "R.create_rng_state(1, 'foo')",
    "R.Generator()",
    "R.Generator(state=[1, 2, 3])",
    "R.Generator(copy_from=g, alg=1)",
    "R.Generator(state=[1, 2], alg=1)",
    "R.Generator.from_state(tf.Variable([1, 2, 3]), 1).normal([2])",
    "R.Generator.from_seed(5, alg='threefry').normal([2])",
    "R.Generator.from_key_counter(3, [1], 1)",
    "g.normal(3)",
    "g.uniform([2], dtype='int32')",
    "g.uniform([2], 0, 5, 'int8')",
    "g.uniform_full_int([2], 'int16')",
    "g.binomial([3], [10., 20.], [.8])",
)
case("Algorithm", "[a.value for a in R.Algorithm]", "[a.name for a in R.Algorithm]", "R.Algorithm(3).name")

# -- gradients -----------------------------------------------------------------------------------------------

case(
    "gradient",
    "gradient(lambda a: R.stateless_gamma([9, 4], [1, 2], a, dtype='float64'), [.1, .9, 3., 40.])",
    "gradient(lambda a, b: R.stateless_gamma([5, 2, 3], [3, 4], a, b, 'float64'), [[1.5], [2.]], [1, 2, 3])",
    "gradient(lambda a, b: R.gamma([6], a, b, 'float64', seed=3) ** 2, [[1.5], [2.]], [1., 2., 3.])",
    "gradient(lambda m, s: R.normal([4, 3], m, s, 'float64', seed=3) ** 2, [1., 2., 3.], 2.)",
    "gradient(lambda m, s: R.stateless_truncated_normal([4, 3], [1, 2], m, s, 'float64') ** 2, [1, 2, 3], 2)",
    "gradient(lambda a, b: R.uniform([4, 3], a, b, 'float64', seed=3) ** 2, 1., [2., 3., 4.])",
    "gradient(lambda a, b: R.stateless_uniform([4, 3], [1, 2], a, b, 'float64') ** 2, 1., [2., 3., 4.])",
    "g = R.Generator.from_seed(3)",
    "gradient(lambda m, s: g.normal([4, 3], m, s, 'float64') ** 2, [1., 2., 3.], 2.)",
)
case(
    "no gradient",
    "gradient(lambda l: R.categorical([l], 3), [.5, .5])",
    "gradient(lambda r: R.poisson([3], r, 'float64', seed=1), [.5, .5])",
    "gradient(lambda v: R.shuffle(v, seed=1), [.5, .5])",
)

# -- within tf.vectorized_map and tf.function ---------------------------------------------------------------
#
# What a draw is made from is a node of a graph there. A map draws for all its examples at once; not here is what
# TensorFlow does in a loop over them, in no certain order: a shuffle, and integers within bounds of each example.

EXAMPLES = "e = tf.constant([0., 1., 2.])"
for name, lines in {
    "normal": ("R.normal([2])", "R.normal([5], e, stddev=e, dtype='float32')", "R.normal([], seed=4)"),
    "truncated": ("R.truncated_normal([3], mean=e)",),
    "uniform": ("R.uniform([2, 3])", "R.uniform([], e, e + 1)", "R.uniform([3], dtype='float64', seed=1) + 1"),
    "integers": ("R.uniform([3], 0, 100, tf.int32)",),
    "gamma": ("R.gamma([2], 1.5)", "R.gamma([2], e + 1.)", "R.gamma([2, 1], e + [1., 2.], 2.)"),
    "poisson": ("R.poisson([2], 4.)", "R.poisson([2], e + 20.)"),
    "categorical": ("R.categorical([[0., 1., 1.]], 4)", "R.categorical([[0., 1.], [1., 0.]] + e, 3)"),
    "dropout": ("tf.nn.dropout(tf.ones([6]), 0.5)", "tf.nn.dropout(tf.fill([7], e), 0.3)"),
    "two": ("R.normal([2]) + R.uniform([2])", "tf.concat([R.normal([2], seed=1), R.normal([2], seed=1)], 0)"),
    "nested": ("tf.vectorized_map(lambda i: R.normal([3]), tf.range(2))",),
    "stateless": ("R.stateless_normal([3], [1, 2])", "R.stateless_normal([3], tf.cast([e, e + 1], tf.int32))"),
}.items():
    draws = [f"tf.vectorized_map(lambda e: {line}, e)" for line in lines]
    case(f"map {name}", EXAMPLES, "s = R.set_seed(11)", *draws)
case(
    "map generator",
    EXAMPLES,
    "g = R.Generator.from_seed(1)",
    "tf.vectorized_map(lambda e: g.normal([2]), e)",
    "g.state.numpy()",
    "tf.vectorized_map(lambda e: g.uniform([3], e, e + 1), e)",
    "tf.vectorized_map(lambda e: g.binomial([2], [10., 20.], .5), e)",
    "tf.vectorized_map(lambda e: g.make_seeds(2), e)",
)
case(
    "function seeds",
    "s = R.set_seed(11)",
    "f = tf.function(lambda: (R.normal([2]), R.uniform([2]), R.normal([2], seed=1), R.normal([2], seed=1)))",
    "tf.concat(f(), 0)",
    "tf.concat(f(), 0)",
    "R.normal([2])",
    "f = tf.function(lambda: R.normal([2]))",
    "f()",
    "tf.function(lambda e: tf.vectorized_map(lambda e: R.normal([2], mean=e), e))(tf.range(3.))",
)

# -- what Keras draws ----------------------------------------------------------------------------------------
#
# keras.initializers and keras.layers.Dropout call these, on Keras's TensorFlow backend.

for name, line in {
    "RandomNormal": "R.stateless_normal(shape=(3, 3, 8, 16), mean=0.0, stddev=0.05, dtype='float32', seed=s)",
    "TruncatedNormal": "R.stateless_truncated_normal(shape=(300, 70), mean=0.0, stddev=0.05, "
    "dtype='float32', seed=s)",
    "GlorotUniform": "R.stateless_uniform(shape=(784, 64), minval=tf.constant(-0.084), "
    "maxval=tf.constant(0.084), dtype='float32', seed=s)",
}.items():
    case(f"keras {name}", "s = tf.constant([1337, 0], tf.int32)", line)
