"""`tf.einsum`: sums of products over named axes, as transposes and matrix products.

Operands are contracted two at a time, in the order that `opt_einsum` finds cheapest. Of a pair, the labels
are of four kinds: in both and in what is to come (a batch), in both and no longer wanted (summed by the
product), or in one only (rows, columns). So each pair is one `matmul`, and what it is made of brings the
derivatives.
"""

from functools import lru_cache
from math import prod

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim
from tapeflow.core.errors import NotFoundError, invalid_argument
from tapeflow.engine.dispatch import bracketed
from tapeflow.ops.diagonals import diagonal_static
from tapeflow.ops.matmul import product
from tapeflow.ops.reduce import sum_axes
from tapeflow.ops.shaping import reshape_static, transpose_static
from tapeflow.ops.sized import sized


@sized
def einsum(equation, *inputs, **kwargs):
    """The sum of products that an equation over named axes states.

    Args:
      equation: such as "ij,jk->ik": a letter for each axis of each input, and those of the output. An
        ellipsis stands for axes that broadcast. Without "->" the output has, in order, the letters that
        occur once.
      *inputs: tensors of one dtype.
      **kwargs: `optimize`, how `opt_einsum` orders three inputs or more ("greedy" by default); `name`.

    Raises:
      ValueError: the equation is not well formed, or is one for another number of inputs.
      InvalidArgumentError: the shapes or dtypes do not fit.

    >>> import tapeflow as tf
    >>> tf.einsum("ij,jk->ik", [[1., 2.]], [[3.], [4.]]).numpy().tolist()
    [[11.0]]
    """
    optimize = kwargs.pop("optimize", "greedy")
    kwargs.pop("name", None)
    if kwargs:
        raise TypeError(
            f"Invalid keyword arguments for einsum: {', '.join(kwargs)}. Valid arguments: name, optimize, greedy."
        )
    subscripts, output = _parse(equation, len(inputs))
    tensors = _tensors(inputs)
    labels, output = _name_ellipses(tensors, subscripts, output)
    _check_sizes(tensors, labels)
    operands = [_drop_ones(x, names, labels, tensors) for x, names in zip(tensors, labels, strict=True)]
    if len(operands) <= 2:
        return _contract(operands, output)
    for group in _path(operands, output, optimize):
        chosen = [operands.pop(i) for i in sorted(group, reverse=True)][::-1]
        wanted = output + "".join([names for _, names in operands])
        kept = "".join(dict.fromkeys("".join([names for _, names in chosen])))
        kept = output if not operands else "".join([c for c in kept if c in wanted])
        operands.append((_contract(chosen, kept), kept))
    return operands[0][0]


# The equation.


@lru_cache
def _parse(equation, count):
    """The inputs' labels and the output's, each a string in which `.` stands for an ellipsis."""
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    parts = left.split(",")
    found = [part.replace("...", ".", 1) for part in parts]
    output = output.replace("...", ".", 1)
    for part in (*found, output):
        bare = part.replace(".", "", 1)
        if bare and not (bare.isascii() and bare.isalpha()):
            raise ValueError(f"Subscripts have incorrect format: {equation}")
    if "." in "".join(parts).replace("...", "") or "." in text.partition("->")[2].replace("...", ""):
        raise ValueError(f"Subscripts have incorrect format: {equation}")
    if not arrow:
        letters = "".join(found).replace(".", "")
        output = "." * ("." in left) + "".join(sorted([c for c in set(letters) if letters.count(c) == 1]))
    if len(found) != count:
        raise ValueError(f'Got {count} inputs for equation "{equation}", expecting {len(found)}')
    for label in output.replace(".", ""):
        if not any(label in part for part in found):
            raise ValueError(f"Output subscripts contain the label {label} not present in the input subscripts.")
        if output.count(label) > 1:
            raise ValueError(f"Output subscripts contain a label appearing more than once: {equation}")
    return found, output


def _tensors(inputs):
    """The inputs as tensors of one dtype."""
    first = convert_to_tensor(inputs[0])
    tensors = [first, *[convert_to_tensor(x, dtype_hint=first.dtype) for x in inputs[1:]]]
    for i, x in enumerate(tensors):
        if x._dtype != first._dtype:
            raise _failed(
                f"cannot compute Einsum as input #{i}(zero-based) was expected to be a {first.dtype._proto} "
                "tensor but "
                f"is a {x.dtype._proto} tensor"
            )
    if first._dtype.kind in "bO":
        raise NotFoundError(
            None, None,
            f"Could not find device for node: {{{{node Einsum}}}} = "
            f"Einsum[T=DT_{first.dtype._proto.upper()}]: there "
            "is no sum of products of such elements [Op:Einsum] name: ",
        )  # fmt: skip
    return tensors


def _name_ellipses(tensors, subscripts, output):
    """Labels without ellipses: the axes that one stands for get labels of their own, from the last one on."""
    labels = []
    most = 0
    for i, (x, names) in enumerate(zip(tensors, subscripts, strict=True)):
        rank, named = len(x._shape), len(names.replace(".", ""))
        if "." not in names and rank != named:
            raise _failed(f"Expected input {i} to have rank {named} but got: {rank}")
        if rank < named:
            raise _failed(f"Expected input {i} to have rank at least {named} but got: {rank}")
        labels.append(names.replace(".", _broadcasting(rank - named)))
        most = max(most, rank - named)
    if most and "." not in output:
        raise _failed(
            f"Output contains {most} broadcasting dimension(s) but no ellipsis (...) was found in the output "
            "subscripts."
        )
    return labels, output.replace(".", _broadcasting(most))


_FIRST_UNNAMED = 0x1000  # beyond all letters


def _broadcasting(count):
    return "".join([chr(_FIRST_UNNAMED + i) for i in range(count)][::-1])


def _check_sizes(tensors, labels):
    sizes = {}
    for x, names in zip(tensors, labels, strict=True):
        for axis, label in enumerate(names):
            size = x._shape[axis]
            known = sizes.setdefault(label, size)
            if isinstance(known, Dim) or isinstance(size, Dim):  # the kernels find out whether they agree
                sizes[label] = size if isinstance(known, Dim) else known
            elif known == size or ord(label) >= _FIRST_UNNAMED and 1 in (known, size):
                sizes[label] = max(known, size) if known and size else 0
            elif ord(label) < _FIRST_UNNAMED:
                raise _failed(
                    f"Expected dimension {known} at axis {axis} of the input shaped {bracketed(x._shape)} "
                    "but got "
                    f"dimension {size}"
                )
            else:
                shapes = " vs. ".join([bracketed(t._shape) for t in tensors])
                raise _failed(f"Invalid broadcasting dimensions: {shapes}")


def _failed(text):
    return invalid_argument(f"{text} [Op:Einsum] name: ")


def _path(operands, output, optimize):
    from opt_einsum import contract_path

    equation = ",".join([names for _, names in operands]) + "->" + output
    shapes = [x._shape for x, _ in operands]
    return contract_path(equation, *shapes, shapes=True, optimize=optimize)[0]


# Contraction, of operands that are pairs of a tensor and its labels.


def _drop_ones(x, names, labels, tensors):
    """Without repeated labels (their diagonal), and without axes of size 1 that broadcast to another's."""
    for label in dict.fromkeys(names):
        while names.count(label) > 1:
            x, names = _diagonal(x, names, label)
    spare = [
        axis
        for axis, label in enumerate(names)
        if ord(label) >= _FIRST_UNNAMED
        and x._shape[axis] == 1
        and any(t._shape[n.index(label)] != 1 for t, n in zip(tensors, labels, strict=True) if label in n)
    ]
    if spare:
        x = reshape_static(x, tuple([n for i, n in enumerate(x._shape) if i not in spare]))
        names = "".join([label for i, label in enumerate(names) if i not in spare])
    return x, names


def _diagonal(x, names, label):
    """The diagonal of the first two axes of one label, moved to the end."""
    i = names.index(label)
    j = names.index(label, i + 1)
    others = [axis for axis in range(len(names)) if axis not in (i, j)]
    x = diagonal_static(transpose_static(x, (*others, i, j)))
    return x, "".join([names[axis] for axis in others]) + label


def _contract(operands, output):
    """One operand, two, or more one after the other, to the labels of `output`."""
    while len(operands) > 2:
        (a, b), rest = operands[:2], operands[2:]
        wanted = output + "".join([names for _, names in rest])
        kept = "".join([label for label in dict.fromkeys(a[1] + b[1]) if label in wanted])
        operands = [(_contract([a, b], kept), kept), *rest]
    if len(operands) == 1:
        x, names = _sum_out(*operands[0], output)
        return _ordered(x, names, output)
    (a, of_a), (b, of_b) = operands
    a, of_a = _sum_out(a, of_a, of_b + output)
    b, of_b = _sum_out(b, of_b, of_a + output)
    return _pair(a, of_a, b, of_b, output)


def _sum_out(x, names, wanted):
    axes = tuple([axis for axis, label in enumerate(names) if label not in wanted])
    if axes:
        x = sum_axes(x, axes)
        names = "".join([label for label in names if label in wanted])
    return x, names


def _ordered(x, names, output):
    return x if names == output else transpose_static(x, tuple([names.index(label) for label in output]))


def _pair(a, of_a, b, of_b, output):
    """The product of two operands, each of whose labels is in the other one or in the output."""
    both = [label for label in of_a if label in of_b]
    batch = "".join([label for label in output if label in both])
    summed = "".join([label for label in both if label not in output])
    rows = "".join([label for label in of_a if label not in of_b])
    columns = "".join([label for label in of_b if label not in of_a])
    if not summed:  # nothing to add up
        return _aligned(a, of_a, output) * _aligned(b, of_b, output)
    a, flip_a, sizes_a = _matrix(a, of_a, batch, rows, summed)
    b, flip_b, sizes_b = _matrix(b, of_b, batch, summed, columns)
    found = product(a, b, flip_a, flip_b)
    shape = (*[sizes_a[label] for label in batch + rows], *[sizes_b[label] for label in columns])
    if found._shape != shape:
        found = reshape_static(found, shape)
    return _ordered(found, batch + rows + columns, output)


def _aligned(x, names, output):
    """`x` with its axes in the order of `output`, of size 1 where it lacks them."""
    x = _ordered(x, names, "".join([label for label in output if label in names]))
    sizes = iter(x._shape)
    shape = tuple([next(sizes) if label in names else 1 for label in output])
    return x if x._shape == shape else reshape_static(x, shape)


def _matrix(x, names, batch, first, second):
    """`x` as matrices, one axis for each group of labels; whether they lie transposed; the sizes."""
    sizes = dict(zip(names, x._shape, strict=True))
    flipped = names == batch + second + first and bool(first)
    if flipped:
        first, second = second, first
    x = _ordered(x, names, batch + first + second)
    shape = tuple([prod([sizes[label] for label in group]) for group in (batch, first, second)])
    shape = shape if batch else shape[1:]
    return (x if x._shape == shape else reshape_static(x, shape)), flipped, sizes
