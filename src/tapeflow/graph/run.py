"""A graph as one Python function over NumPy kernels: what compiled code is tested against, and what runs without it."""

import numpy as np

from tapeflow.core.dims import broadcast, holds_dim, joined, source
from tapeflow.core.errors import InvalidArgumentError, UnimplementedError
from tapeflow.engine.dispatch import bracketed, located
from tapeflow.engine.primitive import ELEMENTWISE


def runner(graph):
    """A function from a list of arrays, the graph's inputs, to a list of arrays, its outputs; made once."""
    run = graph.cache.get("runner")
    if run is None:
        run = graph.cache["runner"] = _make(graph)
    return run


def _make(graph):
    last = _last_uses(graph)
    names = {"join": joined, "__name__": __name__}  # a name of this package: its warnings are silenced
    lines = ["def run(inputs):"]
    if graph.inputs:
        lines.append("    " + "".join(f"v{slot}, " for slot in graph.inputs) + "= inputs")
    else:
        lines.append("    pass")
    for slot, tensor in graph.constants.items():
        names[f"c{slot}"] = tensor._array
        lines.append(f"    v{slot} = c{slot}")
    where = {}
    for number, node in enumerate(graph.nodes):
        names[f"k{number}"] = kernel_of(node, graph)
        arguments = [f"v{slot}" for slot in node.inputs]
        for place, attr in enumerate(node.attrs):
            if holds_dim(attr):
                arguments.append(literal(attr, names))
            else:
                names[f"a{number}_{place}"] = attr
                arguments.append(f"a{number}_{place}")
        targets = "".join(f"v{slot}, " for slot in node.outputs) if node.prim.many else f"v{node.outputs[0]}"
        left = f"{targets.strip() if node.prim.many else targets} = " if node.outputs else ""
        lines.append(f"    {left}k{number}({', '.join(arguments)})")
        where[len(lines)] = node
        dead = [slot for slot in last.get(number, ()) if slot not in graph.outputs]
        if dead:
            lines.append("    del " + ", ".join(f"v{slot}" for slot in dead))
    lines.append("    return [" + ", ".join(f"v{slot}" for slot in graph.outputs) + "]")
    filename = f"<graph {graph.name}>"
    exec(compile("\n".join(lines), filename, "exec"), names)
    return explaining(names["run"], filename, where)


def explaining(inner, filename, where):
    """`inner`, a function from generated source, whose errors say where they come from; `where`: nodes by line."""

    def run(arrays):
        try:
            return inner(arrays)
        except Exception as error:
            raise _explained(error, filename, where) from None

    return run


def kernel_of(node, graph):
    """The NumPy kernel of a node."""
    kernels = node.prim.kernels
    return node.prim.kernel if kernels is None else kernels[graph.types[node.inputs[0]][1]]


def literal(attr, names):
    """An attribute with unknown sizes as Python source."""
    if isinstance(attr, (tuple, list)):
        items = "".join(literal(item, names) + ", " for item in attr)
        return f"({items})" if isinstance(attr, tuple) else f"[{items}]"
    if isinstance(attr, slice):
        return f"slice({', '.join(literal(item, names) for item in (attr.start, attr.stop, attr.step))})"
    if holds_dim(attr):
        return source(attr)
    name = f"x{len(names)}"
    names[name] = attr
    return name


def _last_uses(graph):
    """For each node's number, the slots that no later node needs."""
    last = {}
    for number, node in enumerate(graph.nodes):
        for slot in (*node.uses(), *node.outputs):
            last[slot] = number
    dead = {}
    for slot, number in last.items():
        dead.setdefault(number, []).append(slot)
    return dead


def _refused(error, node, shapes):
    """NumPy's error for operands that do not fit, as TensorFlow has it: what was given, and to which operation."""
    prim, text = node.prim, str(error)
    if shapes is not None:
        if prim.shape is not None and not holds_dim(node.attrs):
            try:
                prim.shape(*shapes, *node.attrs)
            except InvalidArgumentError as said:
                return located(said, prim)
        if prim.batch == ELEMENTWISE and broadcast(*shapes) is None:
            text = f"Incompatible shapes: {' vs. '.join(map(bracketed, shapes))}"
        elif len(shapes):
            text = f"operands of shapes {', '.join(map(bracketed, shapes))} do not fit: {text}"
    return InvalidArgumentError(None, None, f"{text} [Op:{prim.name}] name: ")


def _explained(error, filename, where):
    """An error of a kernel with the user's line that it comes from."""
    traceback, node, shapes = error.__traceback__, None, None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            node = where.get(traceback.tb_lineno)
            held = traceback.tb_frame.f_locals
            if node is not None and all(f"v{slot}" in held for slot in node.inputs):
                shapes = [np.shape(held[f"v{slot}"]) for slot in node.inputs]
        traceback = traceback.tb_next
    if node is None:
        return error
    if isinstance(error, (ValueError, IndexError)) and node.prim.effect is None:  # a kernel's: what it does not take
        error = _refused(error, node, shapes)
    elif error.__class__ is ValueError:  # NumPy's own, about sizes that the trace did not know
        error = InvalidArgumentError(None, None, str(error))
    if isinstance(error, (InvalidArgumentError, UnimplementedError)):
        error = located(error, node.prim)
    if node.where is not None and not getattr(error, "_located", False):
        error.add_note("In a tf.function, by {2} at {0}, line {1}.".format(*node.where))
        error._located = True
    return error
