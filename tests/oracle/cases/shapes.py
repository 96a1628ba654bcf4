"""tf.TensorShape, tf.TensorSpec and tf.nest."""

from oracle.case import case, caught, expr, exprs

SHAPES = ("tf.TensorShape([2, 3])", "tf.TensorShape([None, 3])", "tf.TensorShape([])", "tf.TensorShape(None)",
    "tf.TensorShape([0])")
exprs("tf.TensorShape", """
    tf.TensorShape([1, 2]); tf.TensorShape((1, None)); tf.TensorShape(3); tf.TensorShape([-1]);
    tf.TensorShape('a'); tf.TensorShape([1.5]); tf.TensorShape(['a']); tf.TensorShape(tf.TensorShape([2]));
    tf.TensorShape(tf.constant([1, 2]));
    tf.TensorShape(np.array([1, 2])); tf.TensorShape([np.int64(2)]); tf.TensorShape([tf.constant(2)]);
    tf.TensorShape(dims=[2]); tf.TensorShape(); tf.TensorShape([2**40]); tf.TensorShape([None] * 3);
    tf.TensorShape([True]); tf.TensorShape(range(3)); tf.TensorShape([[1]])
""")
for shape in SHAPES:
    for source in """
        x.rank; x.ndims; x.as_list(); len(x); list(x); x[0]; x[-1]; x[5]; x[:1]; x[1:]; x[::2]; str(x);
        repr(x); bool(x); hash(x) == hash(x); x.num_elements(); x.is_fully_defined(); x == [2, 3];
        x == (2, 3); x != [2, 3]; x == None; x == x; x == 3;
        x + [1]; [1] + x; x + tf.TensorShape([4]); x.concatenate([4]); x.concatenate(None);
        x.merge_with([2, 3]); x.merge_with([None, None]); x.merge_with([5]); x.merge_with(None);
        x.is_compatible_with([2, 3]); x.is_compatible_with([None, 3]); x.is_compatible_with(None);
        x.is_subtype_of(tf.TensorShape([None, None])); x.is_subtype_of(tf.TensorShape(None));
        x.most_general_compatible_shape([2, 4]); x.most_specific_compatible_shape([2, 4]);
        x.most_specific_compatible_shape(None); x.with_rank(2); x.with_rank(1);
        x.with_rank_at_least(1); x.with_rank_at_least(3); x.with_rank_at_most(1); x.assert_has_rank(2);
        x.assert_has_rank(1); x.assert_is_compatible_with([2, 3]); x.assert_is_compatible_with([9]);
        x.assert_is_fully_defined(); x.assert_same_rank([1, 1]);
        x.assert_same_rank([1]); tuple(x); sum(x); 3 in x; iter(x) is not None; x.nonsense; np.prod(x);
        np.zeros(x).shape; tf.zeros(x); tf.reshape(tf.zeros(6), x); x.to_proto(); {x: 1}[x];
        x.is_subtype_of([1]); x.rank == 2; f'{x}'; x * 2; x > [1]; reversed(x); x.index(2); x[0] == 2
    """.split(";"):
        source = " ".join(source.split())
        if source not in ("x.to_proto()", "reversed(x)", "hash(x) == hash(x)"):
            expr("tf.TensorShape", f"(lambda x: {source})({shape})",
                tag=f"{source} of {shape[15:-1] or 'scalar'}")
exprs("tf.TensorSpec", """
    tf.TensorSpec([2, None]); tf.TensorSpec([2], tf.int32, 'n'); tf.TensorSpec(None);
    tf.TensorSpec([], 'float64'); tf.TensorSpec(shape=(1,), dtype=tf.bool, name='b'); tf.TensorSpec();
    tf.TensorSpec([2], 'nonsense'); tf.TensorSpec('a'); tf.TensorSpec([-1]);
    tf.TensorSpec([2]).shape; tf.TensorSpec([2]).dtype; tf.TensorSpec([2], name='n').name;
    str(tf.TensorSpec([2, None], tf.int32)); repr(tf.TensorSpec([2, None], tf.int32, 'n'));
    tf.TensorSpec([2]) == tf.TensorSpec([2]); tf.TensorSpec([2]) == tf.TensorSpec([3]);
    tf.TensorSpec([2]) != tf.TensorSpec([2], tf.int32); hash(tf.TensorSpec([2])) == hash(tf.TensorSpec([2]));
    tf.TensorSpec([2], name='a') == tf.TensorSpec([2], name='b'); tf.TensorSpec.from_tensor(tf.ones([2, 3]));
    tf.TensorSpec.from_tensor(tf.ones([2]), name='x');
    tf.TensorSpec.from_spec(tf.TensorSpec([2]), name='y');
    tf.TensorSpec([None, 2]).is_compatible_with(tf.ones([3, 2]));
    tf.TensorSpec([None, 2]).is_compatible_with(tf.ones([3, 1]));
    tf.TensorSpec([2]).is_compatible_with(tf.TensorSpec([None]));
    tf.TensorSpec([2]).is_compatible_with(tf.ones([2], tf.int32));
    tf.TensorSpec([2]).is_subtype_of(tf.TensorSpec([None]));
    tf.TensorSpec([None]).is_subtype_of(tf.TensorSpec([2]));
    tf.TensorSpec([2]).most_specific_common_supertype([tf.TensorSpec([3])]);
    tf.TensorSpec([2]).most_specific_compatible_type(tf.TensorSpec([3]));
    isinstance(tf.TensorSpec([2]), tf.TensorSpec); tf.TensorSpec.from_tensor(3);
    tf.TensorSpec.from_tensor(tf.Variable([1.])); {tf.TensorSpec([2]): 1}[tf.TensorSpec([2])]
""")

STRUCTURES = ("1", "[]", "[1, 2]", "(1, [2, 3])", "{'b': 1, 'a': 2}",
    "{'b': [1, {'z': 2, 'y': 3}], 'a': (4,)}", "None", "'ab'", "[None, 1]", "np.ones(2)",
    "tf.constant([1, 2])", "[tf.constant(1), (tf.constant(2),)]", "{1: 2, 0: 3}",
              "collections.OrderedDict([('b', 1), ('a', 2)])", "collections.namedtuple('P', 'x y')(1, [2])",
                  "[[], [[]], ()]", "{}", "{1, 2}", "range(3)", "(1, (2, (3, (4,))))",
                  "collections.defaultdict(list, {'b': 1, 'a': 2})", "{'a': 1, 2: 3}")


@case("tf.nest.flatten", "tf.nest.is_nested", params=STRUCTURES, eager_only=True)
def flatten(tf, source):
    import collections

    import numpy as np

    x = eval(source, {"np": np, "tf": tf, "collections": collections})
    flat = caught(tf.nest.flatten, x)
    return flat if source != "{1, 2}" else len(flat), tf.nest.is_nested(x)


@case("tf.nest.map_structure", params=STRUCTURES, eager_only=True)
def map_structure(tf, source):
    import collections

    import numpy as np

    if source in ("{1, 2}", "range(3)"):
        return None
    x = eval(source, {"np": np, "tf": tf, "collections": collections})
    found = caught(tf.nest.map_structure, lambda a: [a], x)
    return found if not isinstance(found, collections.defaultdict) else (dict(found), type(found).__name__)


@case("tf.nest.pack_sequence_as", params=STRUCTURES, eager_only=True)
def pack(tf, source):
    import collections

    import numpy as np

    if source in ("{1, 2}", "range(3)"):
        return None
    x = eval(source, {"np": np, "tf": tf, "collections": collections})
    flat = caught(tf.nest.flatten, x)
    if hasattr(flat, "error"):
        return flat
    return caught(tf.nest.pack_sequence_as, x, list(range(len(flat)))), caught(tf.nest.pack_sequence_as, x,
        list(range(len(flat) + 1)))


@case("tf.nest.map_structure")
def map_several(tf):
    nest = tf.nest.map_structure
    return [
        nest(lambda a, b: a + b, [1, (2,)], [10, (20,)]),
        nest(lambda a, b: a * b, {"x": 1, "y": [2]}, {"y": [3], "x": 4}),
        nest(lambda a, b: (a, b), [1, 2], ["a", "b"]),
        nest(tf.add, [tf.constant(1)], [tf.constant(2)]),
        caught(nest, lambda a, b: a, [1, 2], [1]),
        caught(nest, lambda a, b: a, [1, 2], [1, [2]]),
        caught(nest, lambda a, b: a, [1, 2], (1, 2)),
        nest(lambda a, b: a, [1, 2], (1, 2), check_types=False),
        caught(nest, lambda a, b: a, {"x": 1}, {"y": 1}),
        caught(nest, 3, [1]),
        caught(nest, lambda a: a),
        caught(nest, lambda a: a, [1], nonsense=True),
        nest(lambda a: a, [1], expand_composites=True),
        caught(nest, lambda a: 1 / 0, [1]),
    ]


@case("tf.nest.assert_same_structure")
def assert_same(tf):
    import collections

    same = tf.nest.assert_same_structure
    Point = collections.namedtuple("Point", "x y")
    Other = collections.namedtuple("Other", "x y")
    pairs = [([1, 2], [3, 4]), ([1], [1, 2]), ([1], (1,)), ({"a": 1}, {"a": 2}), ({"a": 1}, {"b": 2}), (1, 2),
        (1, [1]), ([1, [2]], [1, 2]), (Point(1, 2), Point(3, 4)), (Point(1, 2), Other(1, 2)), (Point(1, 2),
        (1, 2)), ([], []), ([], ()), (None, None), (None, 1), ([[]], [[]]),
             ({"a": 1, "b": 2}, {"b": 1, "a": 2}), ({"a": [1]}, {"a": (1,)}), ("abc", "xyz"), ("abc", ["a"]),
                 (collections.OrderedDict(a=1), {"a": 1})]
    return [caught(same, a, b) for a, b in pairs], [caught(same, a, b, check_types=False) for a,
        b in pairs], same([1], [2], expand_composites=True)


@case("tf.nest.flatten", "tf.nest.map_structure", "tf.nest.pack_sequence_as")
def composites(tf):
    x = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]), tf.constant([3]))
    flat, parts = tf.nest.flatten([x]), tf.nest.flatten([x], expand_composites=True)
    return len(flat), parts, tf.nest.map_structure(lambda p: p + p, x,
        expand_composites=True), tf.nest.pack_sequence_as([x], parts,
        expand_composites=True), tf.nest.is_nested(x)


@case("tf.nest.pack_sequence_as")
def pack_refuses(tf):
    pack = tf.nest.pack_sequence_as
    return [caught(pack, [1, 2], [1]), caught(pack, 1, [1, 2]), caught(pack, [1], 3), caught(pack, [1], "a"),
        pack(1, [5]), caught(pack, [], []), caught(pack, [1, 2], {"a": 1}), caught(pack, {"b": 0, "a": 0}, [1,
        2]), pack((1, 2), tf.constant([3, 4]))]


@case("tf.nest.flatten", eager_only=True)
def attrs_and_dataclasses(tf):
    import dataclasses

    @dataclasses.dataclass
    class Plain:
        x: int

    class Mine(list):
        pass

    class Map(dict):
        pass

    return len(tf.nest.flatten([Plain(1), 2])), tf.nest.flatten(Mine([1,
        [2]])), type(tf.nest.map_structure(lambda a: a, Mine([1, 2]))).__name__, tf.nest.flatten(Map(b=1,
        a=2)), type(tf.nest.map_structure(lambda a: a, Map(b=1))).__name__
