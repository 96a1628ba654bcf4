"""Branches and loops without state: the variables that they read and assign become operands and results.

What is left is a node that only computes, which can be done over, and be native code.
"""

from tapeflow.core.dims import Dim, holds_dim, substitute
from tapeflow.graph.ir import Graph, Node
from tapeflow.graph.passes import only_computes
from tapeflow.ops.arithmetic import ADD, SUB

_UPDATES = {"AssignAddVariableOp": ADD, "AssignSubVariableOp": SUB}


def lifted(node, new_slot):
    """An `If` or a `While` of values instead of variables: (node, variables, slots, {slot: variable}).

    The slots are of the variables' values before it, operands of the node; the dictionary has the results that are new
    values. `new_slot(shape, dtype)` makes a slot. None where the node has other effects, no variables, or some whose
    shape may change.
    """
    if node.prim.name not in ("If", "While"):
        return None
    graphs = [attr for attr in node.attrs if isinstance(attr, Graph)]
    variables = list({v._id: v for graph in graphs for v in graph.variables()}.values())
    if not variables or any(not v._declared_shape.is_fully_defined() for v in variables):
        return None
    before = tuple([new_slot(v._array.shape, v._np) for v in variables])
    if node.prim.name == "If":
        return _if(node, variables, before, new_slot)
    return _while(node, variables, before, new_slot)


def _if(node, variables, before, new_slot):
    taken, other, n = node.attrs
    found = [_stateless(graph, variables) for graph in (taken, other)]
    if None in found:
        return None
    changes = [i for i in range(len(variables)) if any(after[i] != start[i] for _, start, after in found)]
    graphs = []
    for graph, start, after in found:
        graph.inputs += start
        graph.outputs += [after[i] for i in changes]
        graphs.append(graph)
    pred, *xs = node.inputs
    outputs = tuple([new_slot(variables[i]._array.shape, variables[i]._np) for i in changes])
    inputs = (pred, *xs[:n], *before, *xs[n:], *before)
    made = Node(node.prim, inputs, (*graphs, n + len(before)), (*node.outputs, *outputs), node.where)
    return made, variables, before, dict(zip(outputs, [variables[i] for i in changes]))


def _while(node, variables, before, new_slot):
    test, body, n, *rest = node.attrs
    found = _stateless(body, variables)
    tested = None if test is None else _stateless(test, variables)
    if found is None or test is not None and (tested is None or tested[1] != tested[2]):
        return None
    body, start, after = found
    body.inputs[n:n], body.outputs[n:n] = start, after
    if tested is not None:
        test = tested[0]
        test.inputs[n:n] = tested[1]
    outputs = tuple([new_slot(v._array.shape, v._np) for v in variables])
    made = Node(
        node.prim, (*node.inputs[:n], *before, *node.inputs[n:]), (test, body, n + len(before), *rest),
        (*node.outputs[:n], *outputs, *node.outputs[n:]), node.where,
    )  # fmt: skip
    changed = [(slot, v) for slot, v, a, b in zip(outputs, variables, start, after) if a != b]
    return made, variables, before, dict(changed)


def _stateless(graph, variables):
    """(the graph without reads and assignments, the slots of the variables before it, and after it), or None."""
    out = graph.with_nodes([])
    start = [out.new_slot(v._array.shape, v._np) for v in variables]
    now = dict(zip([v._id for v in variables], start))
    same = {}  # slots of reads: the value

    def leaf(key):
        kind, slot, place = key
        return Dim(kind, same.get(slot, slot), place)

    for node in graph.nodes:
        inputs = tuple([same.get(slot, slot) for slot in node.inputs])
        name = node.prim.name
        if name == "ReadVariable":
            same[node.outputs[0]] = now[node.attrs[0]._id]
            continue
        if name == "AssignVariableOp" or name in _UPDATES:
            variable, (slot,) = node.attrs[0], inputs
            shape, dtype = out.types[slot]
            if shape != variable._array.shape or dtype != variable._np:
                return None
            if name in _UPDATES:
                update = _UPDATES[name], (now[variable._id], slot)
                slot = out.new_slot(shape, dtype)
                out.nodes.append(Node(*update, (), (slot,), node.where))
            now[variable._id] = slot
            continue
        attrs = substitute(node.attrs, leaf) if same and holds_dim(node.attrs) else node.attrs
        node = Node(node.prim, inputs, attrs, node.outputs, node.where)
        if any(isinstance(attr, Graph) and attr.variables() for attr in attrs):
            inner = lifted(node, out.new_slot)
            if inner is None:
                return None
            node, own, before, changed = inner
            given = dict(zip(before, [now[v._id] for v in own]))
            node.inputs = tuple([given.get(slot, slot) for slot in node.inputs])
            now.update({v._id: slot for slot, v in changed.items()})
        elif not only_computes(node):
            return None
        out.nodes.append(node)
    out.outputs = [same.get(slot, slot) for slot in graph.outputs]
    if same:
        out.types = [(substitute(shape, leaf) if holds_dim(shape) else shape, dtype) for shape, dtype in out.types]
    return out, start, [now[v._id] for v in variables]
