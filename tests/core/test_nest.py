"""`tf.nest`, against TensorFlow's answers."""

import collections

from hypothesis import given
from hypothesis import strategies as st

import tapeflow as tf
from core import asked

DIFFERENT = {
    "n.flatten({1:1,'a':2})": "another message: which keys cannot be sorted",
    "n.pack_sequence_as([0,0],{'a':1})": "TensorFlow fails with KeyError: ValueError, as the numbers differ",
}
Pair = collections.namedtuple("Pair", ["x", "y"])
structures = st.recursive(
    st.integers(),
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner), st.builds(Pair, inner, inner), st.dictionaries(st.text(max_size=3), inner)
    ),
)


def test_as_tensorflow():
    asked.check("nest", DIFFERENT)


@given(structures)
def test_packing_undoes_flattening(structure):
    assert tf.nest.pack_sequence_as(structure, tf.nest.flatten(structure)) == structure


@given(structures)
def test_mapping_keeps_the_structure(structure):
    mapped = tf.nest.map_structure(lambda x: x + 1, structure)
    tf.nest.assert_same_structure(structure, mapped)
    assert tf.nest.flatten(mapped) == [x + 1 for x in tf.nest.flatten(structure)]
