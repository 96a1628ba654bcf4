"""Loops that are not native as a whole, in native strides: see `graph/strides.py`.

Between two strides the variables have their values, other threads may assign them, and signals are heard; and a round
that prints, or calls Python, is run as any other graph is.
"""

import time

import numpy as np

from tapeflow.graph.run import runner as on_numpy
from tapeflow.graph.strides import DRAWS, ROUNDS, stride_of
from tapeflow.random_bits import philox
from tapeflow.random_bits.seeds import unpack

PATIENCE = 1000  # rounds before LLVM is asked
BRIEF = 1e-4  # seconds: longer rounds would gain nothing
LONG = 2e-3  # seconds: a stride that takes less may be longer next time
WASTED = 4  # rounds of a stride, below which it is not worth its start
PAUSE = 64  # rounds without a stride, at most


def strided(node):
    """What runs a `While` node that is not native: as its kernel, but that rounds without effects are strides.

    `run.native` says for which shapes it has any.
    """
    kernel = node.prim.kernel
    if node.attrs[5] or len(node.attrs[1].outputs) != node.attrs[2]:  # backwards, or it stacks what the rounds give
        return kernel
    # By the operands' shapes: how many rounds there were, and the seconds that they took; how many a stride may have,
    # and what runs one, or None.
    rounds, rooms, strides = {}, {}, {}

    def run(*operands):
        *xs, test, body, n, m, p, _, counts, _ = operands
        key = tuple([x.shape for x in xs])
        (seen, took), found = rounds.get(key, (0, 0.0)), strides.get(key)
        if key in strides and found is None:
            return kernel(*operands)
        border = len(xs) - p
        carry, of_test, captured, stacks = xs[:n], xs[n : n + m], xs[n + m : border], xs[border:]
        rest = [*captured, *stacks]
        if test is None:
            count = int(of_test[0])
            check = None
        else:
            count = 1 << 62
            check = _runner(test)
        one = _runner(body)
        start = time.perf_counter() - took
        t, plain, room, pause = 0, 0, rooms.get(key, 16), 0
        while t < count:
            if found is None and seen + t >= PATIENCE and key not in strides:
                brief = time.perf_counter() - start < BRIEF * (seen + t)
                found = strides[key] = _made(node, [(x.shape, x.dtype) for x in xs]) if brief else None
            if found is not None and not plain:
                begin, limit = time.perf_counter(), min(count, t + min(room, found.rounds))
                after = found(carry, t, of_test, limit, rest)
                if after is None:  # a round fails: which one, and why, is found one by one
                    plain = limit - t
                    continue
                *carry, now = after
                went, t = now - t, now
                if t == limit:
                    if time.perf_counter() - begin < LONG:
                        room = min(2 * room, found.rounds)
                    elif room > 1:
                        room //= 2
                    continue
                if not found.stops:
                    break  # the test
                pause = min(2 * pause + 1, PAUSE) if went < WASTED else 0
                plain = pause
            elif plain:
                plain -= 1
            if check is not None and not check([*carry, *of_test])[0]:
                break
            carry = one([*carry, *captured, *[stack[t] for stack in stacks]])
            t += 1
        if found is None:
            rounds[key] = seen + t, time.perf_counter() - start
        rooms[key] = room
        return [*carry, np.int64(t)] if counts else list(carry)

    run.native = strides
    return run


def _states(stream, blocks):
    """What DRAWS draws of blocks begin from, a row each, and where the stream is after them."""
    key, counter = unpack(stream.reserve(DRAWS * blocks))
    low, high = np.uint64(counter & philox.MASK64), np.uint64(counter >> 64)
    out = np.empty((DRAWS, 3), np.uint64)
    out[:, 0] = low + np.arange(DRAWS, dtype=np.uint64) * np.uint64(blocks)
    out[:, 1] = high + (out[:, 0] < low)
    out[:, 2] = key
    return out, counter + DRAWS * blocks


def _runner(graph):
    from tapeflow.compiler.run import runner

    return runner(graph)


def _made(node, types):
    """What runs a stride, of (variables, t, what the test reads, limit, the rest) to (variables, t); None if it would
    not be native."""
    from tapeflow.compiler.run import Refused

    stride = stride_of(node.prim, node.attrs, types)
    if stride is None:
        return None
    stride.graph.cache["bounded"] = True
    stride.graph.cache["refuses"] = bool(stride.draws)  # NumPy would not say how many of the states it took
    native = _runner(stride.graph)
    if native is on_numpy(stride.graph):
        return None

    def run(carry, t, of_test, limit, rest):
        drawn = [_states(stream, blocks) for stream, blocks in stride.draws]
        first = np.int64(t)
        states = [states for states, _ in drawn]
        try:
            *carry, now = native([*carry, first, *of_test, np.int64(limit), *rest, *states, first])
        except Refused:
            carry, now = None, t
        now = int(now)
        for (stream, blocks), (_, end) in zip(stride.draws, drawn):
            stream.give_back((DRAWS - now + t) * blocks, end)
        return None if carry is None else [*carry, now]

    run.stops = stride.stops
    run.rounds = DRAWS if stride.draws else ROUNDS
    return run
