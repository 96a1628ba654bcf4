"""How many rounds a loop makes, where that is known before it runs."""

_TESTS = {
    "Less": lambda a, b: a < b, "LessEqual": lambda a, b: a <= b,
    "Greater": lambda a, b: a > b, "GreaterEqual": lambda a, b: a >= b,
}  # fmt: skip


def rounds_of(node, known, shapes):
    """The rounds of a `While`, an int, or None. `known(i)` is the number of operand i, or None.

    They are known where they are counted, and where the test compares a variable, to which each round adds the same
    integer, with a number.
    """
    test, body, n, m, p, *_ = node.attrs
    if p and shapes[-1] is not None and shapes[-1][0].__class__ is int:
        return shapes[-1][0]
    if test is None:
        count = known(n)
        return None if count is None else max(int(count), 0)
    (answer,) = test.outputs
    made = [other for other in test.nodes if answer in other.outputs]
    if len(test.nodes) != 1 or not made or made[0].prim.name not in _TESTS:
        return None
    left, right = made[0].inputs
    if left not in test.inputs or test.inputs.index(left) >= n:
        return None
    place = test.inputs.index(left)
    if right in test.constants:
        limit = _scalar(test.constants[right])
    elif right in test.inputs and test.inputs.index(right) >= n:
        limit = known(test.inputs.index(right))
    else:
        limit = None
    first, step = known(place), _step(body, place)
    if limit is None or first is None or not step or not isinstance(first, int):
        return None
    name = made[0].prim.name
    if not _TESTS[name](first, limit):
        return 0
    away = limit - first
    if away == 0:
        return 1
    if away * step < 0:
        return None
    found = -(-away // step) if name in ("Less", "Greater") else away // step + 1
    return int(found)


def _step(body, place):
    """What a round adds to an integer variable; None if that is not known."""
    slot, out = body.inputs[place], body.outputs[place]
    if body.types[slot][1].kind != "i":
        return None
    for node in body.nodes:
        if out in node.outputs and node.prim.name in ("AddV2", "Sub"):
            a, b = node.inputs
            if a == slot and b in body.constants:
                step = _scalar(body.constants[b])
                return step if node.prim.name == "AddV2" or step is None else -step
            if b == slot and a in body.constants and node.prim.name == "AddV2":
                return _scalar(body.constants[a])
    return None


def _scalar(tensor):
    array = tensor._array
    return array.item() if getattr(array, "ndim", 1) == 0 else None
