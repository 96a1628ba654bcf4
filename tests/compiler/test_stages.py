"""Long loops as two, one after the other."""

import re

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import jit
from tapeflow.compiler.chains import NAMES
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.stages import MOST, staged

ACC = Value("float", "%s0")


def chain(b, x, steps=12):
    for _ in range(steps):
        x = b.fmul(x, x)
    return x


def lines_of(width):
    """`width` chains that meet at a few values half way, or at none, and a sum; what it leaves."""
    b = Emitter()
    at = b.address(Value("ptr", "%in"), Value("i64", "%i"), "float")
    x = b.load(at, "float")
    total = ACC
    for n in range(width):
        middle = chain(b, b.fadd(x, b.const("float", n + 1)))
        total = b.fadd(total, chain(b, b.fma(middle, middle, x)))
    b.store(total, at)
    return b.lines, total


def test_a_long_block_has_two_stages_with_little_between():
    lines, total = lines_of(2)
    first, second, between = staged(lines, [(ACC.text, total.text)])
    assert [type for _, type in between] == ["float", "float"]
    made = [{line.split(" = ")[0].strip() for line in stage if " = " in line} for stage in (first, second)]
    names = {name for name, _ in between}
    assert names <= made[0] and not names & made[1] and made[0] | made[1] == {x.split()[0] for x in lines[:-1]}
    for stage, known in ((first, set()), (second, set(names))):
        known |= {"%in", "%i", ACC.text}
        for line in stage:
            names = NAMES.findall(line)
            assert known.issuperset(names if line.startswith("  store") else names[1:])
            known.add(names[0])
    assert ACC.text not in "".join(first) and "store" not in "".join(first)


def test_too_much_between_is_no_two_stages():
    lines, total = lines_of(MOST + 1)
    assert staged(lines, [(ACC.text, total.text)]) is None


def test_a_state_that_goes_through_both_stages_stays_in_one_loop():
    b = Emitter()
    total = chain(b, ACC)
    assert staged(b.lines, [(ACC.text, total.text)]) is None


def test_what_is_no_plain_instruction_stays_in_one_loop():
    lines, total = lines_of(2)
    assert staged([*lines[:-1], "  call void @f()", lines[-1]], [(ACC.text, total.text)]) is None


def gradient(z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        bell = tf.exp(-tf.square(1.3 * tf.sin(z) + 0.2))
        value = tf.reduce_sum(bell * tf.tanh(z) + tf.math.log(1 + tf.exp(z)))
    return value, tape.gradient(value, z)


@pytest.mark.parametrize("size", [1025, 1026, 1039, 1040, 1041, 2047, 2048, 2049, 4111, 100_003, 300_001])
def test_values_do_not_depend_on_where_an_element_stands(size):
    numbers = np.random.default_rng(size).normal(size=size).astype(np.float32) * 3
    value, _ = tf.function(gradient)(tf.constant(numbers))
    z = numbers.astype(np.float64)
    wanted = np.exp(-((1.3 * np.sin(z) + 0.2) ** 2)) * np.tanh(z) + np.logaddexp(0, z)
    assert abs(value - wanted.sum()) < 1e-6 * abs(wanted).sum()
    numbers[::97] *= 1e4  # for which there is other code
    short = tf.function(gradient)
    found = tf.function(gradient)(tf.constant(numbers))[1]
    for start in range(0, size, max(700, size // 12)):
        part = slice(start, start + 700)
        np.testing.assert_array_equal(found[part], short(tf.constant(numbers[part]))[1])


def test_a_loop_that_also_adds_up_in_memory():
    """Sums over the outer axis, of which each round reads what it writes."""

    def sums(z):
        long = tf.exp(tf.sin(z)) * tf.tanh(z) + tf.math.log(1 + tf.exp(tf.cos(z)))
        return tf.reduce_sum(long), tf.reduce_sum(long, 0), tf.reduce_sum(long, [0, 2])

    numbers = np.random.default_rng(0).normal(size=(3, 5, 2500)).astype(np.float32)
    z = numbers.astype(np.float64)
    wanted = np.exp(np.sin(z)) * np.tanh(z) + np.log(1 + np.exp(np.cos(z)))
    for found, axes in zip(tf.function(sums)(tf.constant(numbers)), (None, 0, (0, 2))):
        np.testing.assert_allclose(found, wanted.sum(axes), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(jit.vector_bits() < 512, reason="loops are written as two for vectors of 512 bits")
def test_the_loop_is_written_as_two(monkeypatch):
    texts = []
    given = jit.codes_of
    monkeypatch.setattr(jit, "codes_of", lambda found, *more: texts.extend(found) or given(found, *more))
    tf.function(gradient)(tf.constant(np.ones(5000, np.float32)))
    assert re.search(r"%between\w+\.0 = alloca \[1024 x (float|i32)\]", "".join(texts))
