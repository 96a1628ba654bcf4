"""Programs of scientists, written for TensorFlow's names: a table of makers.

A maker takes `tf`, a dtype and a NumPy generator, and returns (function, arguments as arrays): the function takes
tensors and returns a flat list of them. `tf` may be Tapeflow or TensorFlow.
"""

import math

import numpy as np

PROGRAMS = {}


def program(maker):
    PROGRAMS[maker.__name__] = maker
    return maker


def with_gradients(tf, loss, count=None):
    """A function that gives a loss and its gradients with respect to the first `count` arguments."""

    def function(*args):
        points = list(args[:count])
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = loss(*args)
        return [value, *tape.gradient(value, points)]

    return function


# Benchmarks of automatic differentiation.


@program
def mixture_model(tf, dtype, rng):
    """The log-likelihood of a Gaussian mixture whose precisions are L L', with a Wishart prior."""
    k, d, n = 5, 4, 60
    below = np.array([i * d + j for j in range(d) for i in range(j + 1, d)])

    def loss(alphas, means, icf, x):
        diagonal = tf.exp(icf[:, :d])
        sums = tf.reduce_sum(icf[:, :d], axis=1)
        flat = tf.transpose(
            tf.scatter_nd(tf.constant(below[:, None]), tf.transpose(icf[:, d:]), [d * d, k])
        )
        lower = tf.reshape(flat, [k, d, d])
        centered = x[:, None, :] - means[None]
        rotated = diagonal[None] * centered + tf.einsum("kij,nkj->nki", lower, centered)
        inner = alphas + sums - 0.5 * tf.reduce_sum(tf.square(rotated), axis=2)
        likelihood = tf.reduce_sum(tf.reduce_logsumexp(inner, axis=1)) - n * tf.reduce_logsumexp(alphas)
        prior = 0.5 * (tf.reduce_sum(diagonal**2) + tf.reduce_sum(icf[:, d:] ** 2)) - tf.reduce_sum(sums)
        return likelihood - prior - n * d * 0.5 * math.log(2 * math.pi)

    args = [rng.normal(size=k), rng.normal(size=(k, d)), rng.normal(size=(k, d * (d + 1) // 2)) * 0.5,
            rng.normal(size=(n, d))]  # fmt: skip
    return with_gradients(tf, loss, 3), args


def rodrigues(tf, rotation, points):
    """Points [n, 3] rotated about the axes [n, 3]."""
    square = tf.reduce_sum(rotation**2, axis=1, keepdims=True)
    angle = tf.sqrt(tf.where(square > 0, square, tf.ones_like(square)))
    axis = rotation / angle
    cosine, sine = tf.cos(angle), tf.sin(angle)
    along = tf.reduce_sum(axis * points, axis=1, keepdims=True)
    turned = points * cosine + tf.linalg.cross(axis, points) * sine + axis * along * (1 - cosine)
    return tf.where(square > 0, turned, points + tf.linalg.cross(rotation, points))


@program
def bundle_adjustment(tf, dtype, rng):
    """Reprojection errors, and their Jacobian a camera and a point at a time."""
    n = 20

    def project(cameras, points, weights, features):
        moved = rodrigues(tf, cameras[:, :3], points - cameras[:, 3:6])
        flat = moved[:, :2] / moved[:, 2:]
        radius = tf.reduce_sum(flat**2, axis=1, keepdims=True)
        distorted = flat * (1 + cameras[:, 9:10] * radius + cameras[:, 10:11] * radius**2)
        pixels = distorted * cameras[:, 6:7] + cameras[:, 7:9]
        return weights[:, None] * (pixels - features)

    def function(cameras, points, weights, features):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([cameras, points])
            error = project(cameras, points, weights, features)
        return [error, tape.batch_jacobian(error, cameras), tape.batch_jacobian(error, points)]

    args = [rng.normal(size=(n, 11)) * 0.3, rng.normal(size=(n, 3)) + [0, 0, 5], rng.uniform(size=n),
            rng.normal(size=(n, 2))]  # fmt: skip
    return function, args


@program
def hand(tf, dtype, rng):
    """A chain of small rigid transformations, and the Jacobian of positions by angles."""
    bones = 4

    def positions(angles, offsets, vertices, weights):
        pose = tf.eye(4, dtype=vertices.dtype)
        poses = []
        for bone in range(bones):
            x, y, z = angles[bone, 0], angles[bone, 1], angles[bone, 2]
            one, zero = tf.ones_like(x), tf.zeros_like(x)
            rx = tf.stack([[one, zero, zero], [zero, tf.cos(x), -tf.sin(x)], [zero, tf.sin(x), tf.cos(x)]])
            ry = tf.stack([[tf.cos(y), zero, tf.sin(y)], [zero, one, zero], [-tf.sin(y), zero, tf.cos(y)]])
            rz = tf.stack([[tf.cos(z), -tf.sin(z), zero], [tf.sin(z), tf.cos(z), zero], [zero, zero, one]])
            turn = rz @ ry @ rx
            local = tf.concat(
                [tf.concat([turn, offsets[bone][:, None]], 1), tf.constant([[0, 0, 0, 1]], dtype=turn.dtype)], 0
            )
            pose = pose @ local
            poses.append(pose)
        moved = tf.einsum("bij,vj->bvi", tf.stack(poses), vertices)
        return tf.reduce_sum(moved * tf.transpose(weights)[:, :, None], axis=0)[:, :3]

    def function(angles, offsets, vertices, weights):
        with tf.GradientTape() as tape:
            tape.watch(angles)
            found = positions(angles, offsets, vertices, weights)
        return [found, tape.jacobian(found, angles)]

    v = 10
    args = [rng.normal(size=(bones, 3)) * 0.3, rng.normal(size=(bones, 3)) * 0.2,
            np.concatenate([rng.normal(size=(v, 3)), np.ones((v, 1))], 1), rng.uniform(size=(v, bones))]  # fmt: skip
    return function, args


@program
def lstm(tf, dtype, rng):
    """A language model of two layers whose gates are elementwise, unrolled."""
    layers, b, steps = 2, 14, 6

    def cell(weights, bias, hidden, state, x):
        gates = tf.concat([x, hidden, x, hidden], 0) * weights + bias
        forget, ingoing, outgoing, change = tf.split(gates, 4)
        state = state * tf.sigmoid(forget) + tf.sigmoid(ingoing) * tf.tanh(change)
        return tf.sigmoid(outgoing) * tf.tanh(state), state

    def loss(main, extra, sequence):
        states = [(tf.zeros([b], main.dtype), tf.zeros([b], main.dtype)) for _ in range(layers)]
        total = tf.zeros([], main.dtype)
        for t in range(steps - 1):
            x = sequence[t] * extra[0]
            for layer in range(layers):
                states[layer] = cell(main[2 * layer], main[2 * layer + 1], *states[layer], x)
                x = states[layer][0]
            guess = x * extra[1] + extra[2]
            normed = guess - tf.math.log(2 + tf.reduce_sum(tf.exp(guess)))
            total += tf.reduce_sum(sequence[t + 1] * normed)
        return -total / ((steps - 1) * b)

    args = [rng.normal(size=(2 * layers, 4 * b)), rng.normal(size=(3, b)), rng.uniform(size=(steps, b))]
    return with_gradients(tf, loss, 2), args


# Examples that everybody knows.


@program
def logistic_regression(tf, dtype, rng):
    def loss(w, b, x, y):
        logits = tf.linalg.matvec(x, w) + b
        return tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
        ) + 0.1 * tf.nn.l2_loss(w)

    return with_gradients(tf, loss, 2), [
        rng.normal(size=7), rng.normal(), rng.normal(size=(40, 7)), rng.integers(0, 2, 40).astype(float)
    ]  # fmt: skip


@program
def neural_net(tf, dtype, rng):
    """Three layers and a few steps of Adam."""
    sizes = [4, 16, 16, 3]

    def loss(weights, x, y):
        for i in range(0, len(weights), 2):
            x = x @ weights[i] + weights[i + 1]
            if i + 2 < len(weights):
                x = tf.tanh(x)
        return -tf.reduce_mean(tf.gather(tf.nn.log_softmax(x), y, batch_dims=1))

    def function(x, *weights):
        weights = list(weights)
        y = tf.argmax(x[:, :3], axis=1)
        m = [tf.zeros_like(w) for w in weights]
        v = [tf.zeros_like(w) for w in weights]
        for step in range(1, 3):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                value = loss(weights, x, y)
            grads = tape.gradient(value, weights)
            m = [0.9 * a + 0.1 * g for a, g in zip(m, grads)]
            v = [0.999 * a + 0.001 * g * g for a, g in zip(v, grads)]
            weights = [
                w - 0.01 * (a / (1 - 0.9**step)) / (tf.sqrt(b / (1 - 0.999**step)) + 1e-3)
                for w, a, b in zip(weights, m, v)
            ]
        return [value, *weights]

    weights = []
    for a, b in zip(sizes, sizes[1:]):
        weights += [rng.normal(size=(a, b)) * 0.5, rng.normal(size=b)]
    return function, [rng.normal(size=(32, 4)), *weights]


@program
def gaussian_process(tf, dtype, rng):
    """The marginal likelihood of a Gaussian process, and a prediction."""

    def kernel(a, b, scales):
        a, b = a * tf.exp(scales), b * tf.exp(scales)
        square = tf.reduce_sum((a[:, None] - b[None]) ** 2, -1)
        return tf.exp(-0.5 * square)

    def loss(scales, noise, x, y):
        n = x.shape[0]
        k = kernel(x, x, scales) + (tf.exp(noise) + 0.1) * tf.eye(n, dtype=x.dtype)
        lower = tf.linalg.cholesky(k)
        alpha = tf.linalg.triangular_solve(lower, y[:, None])
        return (
            0.5 * tf.reduce_sum(alpha**2)
            + tf.reduce_sum(tf.math.log(tf.linalg.diag_part(lower)))
            + 0.5 * n * math.log(2 * math.pi)
        )

    return with_gradients(tf, loss, 2), [
        rng.normal(size=3) * 0.3, rng.normal() * 0.1, rng.normal(size=(25, 3)), rng.normal(size=25)
    ]  # fmt: skip


@program
def black_box_vi(tf, dtype, rng):
    """Natural gradients of the evidence lower bound of a diagonal Gaussian, for a funnel."""

    def target(x):
        scale = tf.exp(0.5 * x[:, 0])
        return -0.5 * (x[:, 0] ** 2 / 1.35**2 + (x[:, 1] / scale) ** 2) - 0.5 * x[:, 0]

    def bound(mean, spread, noise):
        x = mean + tf.exp(spread) * noise
        return tf.reduce_sum(spread) + tf.reduce_mean(target(x))

    def function(mean, spread, noise):
        for _ in range(4):
            with tf.GradientTape() as tape:
                tape.watch([mean, spread])
                value = bound(mean, spread, noise)
            a, b = tape.gradient(value, [mean, spread])
            mean, spread = mean + 0.1 * tf.exp(2 * spread) * a, spread + 0.1 * 0.5 * b
        return [value, mean, spread]

    return function, [rng.normal(size=2), rng.normal(size=2) * 0.3, rng.normal(size=(50, 2))]


def lorenz(tf, u, p):
    x, y, z = u[..., 0], u[..., 1], u[..., 2]
    return tf.stack([p[0] * (y - x), x * (p[1] - z) - y, x * y - p[2] * z], -1)


def rk4(tf, u, p, h):
    a = lorenz(tf, u, p)
    b = lorenz(tf, u + h / 2 * a, p)
    c = lorenz(tf, u + h / 2 * b, p)
    return u + h / 6 * (a + 2 * b + 2 * c + lorenz(tf, u + h * c, p))


@program
def ode_unrolled(tf, dtype, rng):
    def loss(u, p):
        for _ in range(6):
            u = rk4(tf, u, p, 0.01)
        return tf.reduce_sum(u**2)

    return with_gradients(tf, loss), [rng.normal(size=(5, 3)), np.array([10.0, 28, 8 / 3])]


@program
def ode_while(tf, dtype, rng):
    def loss(u, p):
        _, u = tf.while_loop(lambda i, u: i < 40, lambda i, u: (i + 1, rk4(tf, u, p, 0.01)), (tf.constant(0), u))
        return tf.reduce_sum(u**2)

    return with_gradients(tf, loss), [rng.normal(size=(5, 3)), np.array([10.0, 28, 8 / 3])]


@program
def newton(tf, dtype, rng):
    """Newton's method with a Hessian by nested tapes."""

    def value(x, a):
        return tf.reduce_sum(tf.math.softplus(tf.linalg.matvec(a, x))) + 0.5 * tf.reduce_sum(x**2)

    def function(x, a):
        for _ in range(3):
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    y = value(x, a)
                g = inner.gradient(y, x)
            h = outer.jacobian(g, x)
            x = x - tf.linalg.solve(h, g[:, None])[:, 0]
        return [y, x, g, h]

    return function, [rng.normal(size=5), rng.normal(size=(9, 5))]


@program
def heat(tf, dtype, rng):
    """A heat equation in two dimensions by slices, with a boundary by padding."""

    def loss(u, c):
        for _ in range(6):
            inner = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
            u = u + c * tf.pad(inner, [[1, 1], [1, 1]])
        return tf.reduce_sum(u**2)

    return with_gradients(tf, loss), [rng.normal(size=(24, 20)), np.array(0.1)]


@program
def fluid(tf, dtype, rng):
    """Advection and projection on a torus, by roll and concat."""

    def project(vx, vy):
        p = tf.zeros_like(vx)
        div = -0.5 * (tf.roll(vx, -1, 1) - tf.roll(vx, 1, 1) + tf.roll(vy, -1, 0) - tf.roll(vy, 1, 0))
        for _ in range(5):
            p = (div + tf.roll(p, 1, 1) + tf.roll(p, -1, 1) + tf.roll(p, 1, 0) + tf.roll(p, -1, 0)) / 4
        left = tf.concat([p[:, -1:], p[:, :-1]], 1)
        right = tf.concat([p[:, 1:], p[:, :1]], 1)
        vx = vx - 0.5 * (right - left)
        return vx, vy - 0.5 * (tf.roll(p, -1, axis=0) - tf.roll(p, 1, axis=0))

    def advect(f, vx, vy):
        rows, cols = f.shape
        xs, ys = tf.meshgrid(tf.range(rows), tf.range(cols), indexing="ij")
        x = tf.cast(xs, f.dtype) - vx
        y = tf.cast(ys, f.dtype) - vy
        x0, y0 = tf.floor(x), tf.floor(y)
        fx, fy = x - x0, y - y0
        i, j = tf.cast(x0, tf.int32), tf.cast(y0, tf.int32)
        i0, i1, j0, j1 = i % rows, (i + 1) % rows, j % cols, (j + 1) % cols
        flat = tf.reshape(f, [-1])
        top = (1 - fy) * tf.gather(flat, i0 * cols + j0) + fy * tf.gather(flat, i0 * cols + j1)
        low = (1 - fy) * tf.gather(flat, i1 * cols + j0) + fy * tf.gather(flat, i1 * cols + j1)
        return (1 - fx) * top + fx * low

    def loss(vx, vy, smoke):
        for _ in range(1):
            vx, vy = advect(vx, vx, vy), advect(vy, vx, vy)
            vx, vy = project(vx, vy)
            smoke = advect(smoke, vx, vy)
        return tf.reduce_mean(smoke**2)

    return with_gradients(tf, loss), [rng.normal(size=(12, 10)) * 0.5 + 0.25 for _ in range(3)]


@program
def ising(tf, dtype, rng):
    """A mean field of an Ising model on a torus, and of a Hopfield memory."""

    def loss(field, beta, patterns, probe):
        m = tf.tanh(field)
        for _ in range(6):
            around = sum(tf.roll(m, s, a) for s in (1, -1) for a in (0, 1))
            m = tf.tanh(beta * around + field)
        memory = tf.matmul(patterns, patterns, transpose_a=True) / 16.0
        memory = tf.linalg.set_diag(memory, tf.zeros_like(memory[0]))
        for _ in range(3):
            probe = tf.tanh(beta * tf.linalg.matvec(memory, probe))
        return tf.reduce_sum(m**3) - 0.5 * tf.tensordot(probe, tf.linalg.matvec(memory, probe), 1)

    return with_gradients(tf, loss), [
        rng.normal(size=(8, 8)) * 0.3, np.array(0.2), rng.normal(size=(4, 16)), rng.normal(size=16)
    ]  # fmt: skip


@program
def k_means(tf, dtype, rng):
    k = 4

    def function(x):
        centers = x[:k]
        for _ in range(5):
            distance = tf.reduce_sum((x[:, None] - centers[None]) ** 2, -1)
            nearest = tf.argmin(distance, axis=1)
            hot = tf.one_hot(nearest, k, dtype=x.dtype)
            centers = tf.math.divide_no_nan(tf.matmul(hot, x, transpose_a=True), tf.reduce_sum(hot, 0)[:, None])
        sums = tf.math.unsorted_segment_sum(x, nearest, k)
        return [centers, nearest, sums, tf.reduce_min(distance, 1)]

    return function, [rng.normal(size=(50, 3))]


@program
def mixture_of_experts(tf, dtype, rng):
    """Each row goes to its two best experts."""

    def loss(x, gate, experts):
        shares = tf.nn.softmax(x @ gate)
        best, which = tf.math.top_k(shares, k=2)
        mask = tf.reduce_sum(tf.one_hot(which, gate.shape[1], dtype=x.dtype) * best[..., None], 1)
        outs = tf.nn.gelu(tf.einsum("bi,eio->beo", x, experts))
        load = tf.reduce_mean(shares, 0)
        return tf.reduce_sum(tf.einsum("be,beo->bo", mask, outs) ** 2) + tf.math.reduce_std(load)

    return with_gradients(tf, loss), [
        rng.normal(size=(12, 6)), rng.normal(size=(6, 4)), rng.normal(size=(4, 6, 5))
    ]  # fmt: skip


@program
def pinn(tf, dtype, rng):
    """A network that learns u'' + u = f, with second derivatives inside the loss."""

    def net(x, w1, b1, w2):
        return tf.tanh(x @ w1 + b1) @ w2

    def loss(w1, b1, w2, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                u = net(x, w1, b1, w2)
            ux = inner.gradient(u, x)
        uxx = outer.gradient(ux, x)
        return tf.reduce_mean((uxx + u - tf.sin(3 * x)) ** 2) + tf.reduce_mean(net(0 * x, w1, b1, w2) ** 2)

    return with_gradients(tf, loss, 3), [
        rng.normal(size=(1, 12)), rng.normal(size=12), rng.normal(size=(12, 1)), rng.normal(size=(30, 1))
    ]  # fmt: skip


@program
def rosenbrock(tf, dtype, rng):
    """A gradient, a product of the Hessian forward over reverse, and a whole Hessian."""

    def value(x):
        return tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def function(x, v):
        with tf.autodiff.ForwardAccumulator(x, v) as forward:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = value(x)
            g = tape.gradient(y, x)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = value(x)
            again = inner.gradient(y, x)
        return [y, g, forward.jvp(g), outer.jacobian(again, x)]

    return function, [rng.normal(size=8), rng.normal(size=8)]


@program
def derivatives(tf, dtype, rng):
    """The first four derivatives of a function of one variable, and its Taylor polynomial."""

    def function(x):
        with tf.GradientTape() as t4:
            t4.watch(x)
            with tf.GradientTape() as t3:
                t3.watch(x)
                with tf.GradientTape() as t2:
                    t2.watch(x)
                    with tf.GradientTape() as t1:
                        t1.watch(x)
                        y = tf.sin(x) * tf.exp(-(x**2)) + tf.tanh(x) ** 3
                    d1 = t1.gradient(y, x)
                d2 = t2.gradient(d1, x)
            d3 = t3.gradient(d2, x)
        d4 = t4.gradient(d3, x)
        h = 0.1
        return [y, d1, d2, d3, d4, y + h * (d1 + h / 2 * (d2 + h / 3 * (d3 + h / 4 * d4)))]

    return function, [np.linspace(-2, 2, 21)]


@program
def kalman(tf, dtype, rng):
    """The log-likelihood of a linear state space by tf.scan."""

    def loss(a, q, r, ys):
        h = tf.constant([[1.0, 0.0, 0.5]], dtype=ys.dtype)
        eye = tf.eye(3, dtype=ys.dtype)

        def step(carry, y):
            m, p, _ = carry
            m = tf.linalg.matvec(a, m)
            p = a @ p @ tf.transpose(a) + tf.exp(q) * eye
            s = h @ p @ tf.transpose(h) + tf.exp(r)
            gain = p @ tf.transpose(h) / s
            residual = y - tf.linalg.matvec(h, m)
            m = m + tf.linalg.matvec(gain, residual)
            p = (eye - gain @ h) @ p
            return m, p, tf.math.log(s[0, 0]) + residual[0] ** 2 / s[0, 0]

        init = (tf.zeros([3], ys.dtype), eye, tf.zeros([], ys.dtype))
        _, _, terms = tf.scan(step, ys, init)
        return 0.5 * tf.reduce_sum(terms)

    return with_gradients(tf, loss, 3), [
        np.eye(3) * 0.9 + rng.normal(size=(3, 3)) * 0.05, rng.normal(), rng.normal(), rng.normal(size=(15, 1))
    ]  # fmt: skip


@program
def hmc(tf, dtype, rng):
    """Hamiltonian Monte Carlo with stateless random numbers."""

    def log_density(x):
        return -0.5 * tf.reduce_sum(x**2, -1) - tf.reduce_sum(tf.math.log1p(x**4), -1)

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = log_density(x)
        return tape.gradient(y, x)

    def function(x):
        accepted = []
        for n in range(4):
            seed = tf.constant([7, n])
            p = tf.random.stateless_normal(x.shape, seed, dtype=x.dtype)
            y, q = x, p + 0.05 * slope(x)
            for i in range(5):
                y = y + 0.1 * q
                q = q + (0.1 if i < 4 else 0.05) * slope(y)
            change = log_density(y) - log_density(x) - 0.5 * tf.reduce_sum(q**2 - p**2, -1)
            u = tf.random.stateless_uniform([x.shape[0]], seed + 100, dtype=x.dtype)
            take = tf.math.log(u) < change
            x = tf.where(take[:, None], y, x)
            accepted.append(tf.reduce_mean(tf.cast(take, x.dtype)))
        return [x, tf.stack(accepted)]

    return function, [rng.normal(size=(10, 3))]


@program
def rnn_loop(tf, dtype, rng):
    """A recurrent network by a loop of tensors that writes to a TensorArray."""

    def loss(w, u, b, xs):
        steps = tf.shape(xs)[0]
        outs = tf.TensorArray(xs.dtype, size=steps)
        h = tf.zeros([xs.shape[1], w.shape[0]], xs.dtype)
        for t in tf.range(steps):
            h = tf.tanh(h @ w + xs[t] @ u + b)
            outs = outs.write(t, h)
        return tf.reduce_mean(outs.stack() ** 2)

    return with_gradients(tf, loss, 3), [
        rng.normal(size=(6, 6)) * 0.4, rng.normal(size=(3, 6)), rng.normal(size=6), rng.normal(size=(12, 4, 3))
    ]  # fmt: skip


@program
def transformer(tf, dtype, rng):
    """A block with causal attention, layer norms and an embedding, forward and backward."""
    batch, steps, width, heads, words = 2, 7, 8, 2, 11
    tokens = rng.integers(0, words, (batch, steps))

    def norm(x, gain):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-5) * gain

    def loss(table, place, wqkv, wo, w1, w2, gains):
        x = tf.gather(table, tf.constant(tokens)) + place
        y = norm(x, gains[0])
        q, k, v = tf.unstack(tf.reshape(tf.einsum("bti,io->bto", y, wqkv), [batch, steps, 3, heads, -1]), axis=2)
        scores = tf.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(width // heads)
        seen = tf.linalg.band_part(tf.ones([steps, steps], scores.dtype), -1, 0)
        scores = tf.where(seen > 0, scores, tf.constant(-1e9, scores.dtype))
        mixed = tf.einsum("bhqk,bkhd->bqhd", tf.nn.softmax(scores), v)
        x = x + tf.reshape(mixed, [batch, steps, width]) @ wo
        y = norm(x, gains[1])
        x = x + tf.nn.gelu(y @ w1, approximate=True) @ w2
        logits = tf.einsum("btd,vd->btv", x, table)[:, :-1]
        target = tf.one_hot(tokens[:, 1:], words, dtype=logits.dtype)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=logits))

    shapes = [(words, width), (steps, width), (width, 3 * width), (width, width), (width, 4 * width),
              (4 * width, width), (2, width)]  # fmt: skip
    loss_and_gradients = with_gradients(tf, loss)

    def function(*args):
        return [tf.convert_to_tensor(x) for x in loss_and_gradients(*args)]

    return function, [rng.normal(size=s) * 0.4 for s in shapes]


@program
def kernel_ridge(tf, dtype, rng):
    """Tile, repeat, cumsum, band_part, diag and norms: a ridge regression whose features are built up."""

    def loss(x, y, scale):
        n = x.shape[0]
        tiled = tf.reshape(tf.tile(x, [1, n]), [n, n, -1])
        repeated = tf.reshape(tf.repeat(x, n, axis=0), [n, n, -1])
        distance = tf.norm(tiled - 0.5 * repeated, axis=-1)
        k = tf.exp(-distance * scale) + tf.linalg.diag(tf.range(1, n + 1, delta=1, dtype=x.dtype))
        k = tf.linalg.band_part(k, 4, 4)
        steps = tf.cumsum(tf.linalg.matvec(k, y))
        return tf.reduce_sum(steps**2) + tf.linalg.trace(k) + tf.reduce_max(tf.math.cumsum(k, 1, reverse=True))

    return with_gradients(tf, loss), [rng.normal(size=(9, 3)), rng.normal(size=9), np.array(0.3)]


@program
def convolution(tf, dtype, rng):
    """An image filter written by slices, an FFT-free Poisson solve by conjugate gradients."""

    def laplace(u):
        p = tf.pad(u, [[1, 1], [1, 1]])
        return 4 * u - p[2:, 1:-1] - p[:-2, 1:-1] - p[1:-1, 2:] - p[1:-1, :-2]

    def loss(b):
        x, r = tf.zeros_like(b), b
        p, rs = r, tf.reduce_sum(r * r)
        for _ in range(8):
            ap = laplace(p)
            alpha = rs / tf.reduce_sum(p * ap)
            x, r = x + alpha * p, r - alpha * ap
            new = tf.reduce_sum(r * r)
            p, rs = r + new / rs * p, new
        return tf.reduce_sum(x * x)

    return with_gradients(tf, loss), [rng.normal(size=(10, 10))]
