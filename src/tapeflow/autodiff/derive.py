"""From a primitive's rules to its vjp (reverse mode) and its jvp (forward mode), whatever the primitive.

`pull(prim)(mask, inputs, out, attrs, g)` gives a cotangent for each operand, None where `mask` has no bit or the
operand has no derivative; `push(prim)(tangents, inputs, out, attrs)` gives the tangent of each output.
"""

from tapeflow.core.dims import holds_dim
from tapeflow.core.listening import thread
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import ELEMENTWISE, GENERAL, LINEAR, MISSING, parameters
from tapeflow.ops import space
from tapeflow.ops.space import scale, sum_to


def pull(prim):
    """The primitive's vjp, made at the first call."""
    if prim.pull is None:
        prim.pull = {ELEMENTWISE: _pull_elementwise, LINEAR: _pull_linear, GENERAL: _pull_general, MISSING: _no_rule}[
            prim.kind
        ](prim)
    return prim.pull


def push(prim):
    """The primitive's jvp, made at the first call."""
    if prim.push is None:
        prim.push = {ELEMENTWISE: _push_elementwise, LINEAR: _push_linear, GENERAL: _push_general, MISSING: _no_rule}[
            prim.kind
        ](prim)
    return prim.push


def pull_later(problem, prim, mask, inputs, out, attrs, g):
    """The vjp where its rule needs sizes that the trace does not know: it waits until they are.

    Raises the rule's `problem` if it is another one.
    """
    from tapeflow.ops.sized import waiting

    operands = [*inputs, *(out if out.__class__ is list else [out])]
    unknown = holds_dim(attrs) or any([holds_dim(x._shape) for x in operands if hasattr(x, "_shape")])
    if thread.trace is None or not unknown or isinstance(problem, LookupError):
        raise problem

    def vjp(inputs, out, g, given):
        given = attrs if whole else tuple(given)
        found = pull(prim)(mask, tuple(inputs), out, given, g)
        present[:] = [c is not None for c in found]
        return [c for c in found if c is not None]

    present, whole = [], not holds_dim(attrs)
    try:
        found = iter(waiting(vjp, (list(inputs), out, g, () if whole else list(attrs))))
    except Exception:
        raise problem from None
    return [next(found) if there else None for there in present]


def _no_rule(prim):
    raise LookupError(
        f"gradient registry has no entry for: {prim.name}. No gradient defined for operation '{prim.name}' (op type: "
        f"{prim.name}): keep it out of the tape with tf.stop_gradient, or give it one with tf.custom_gradient."
    )


# Elementwise: from the partials.


def _pull_elementwise(prim):
    each = [_pull_operand(prim, i, rule) for i, rule in enumerate(prim.rules)]
    if len(each) == 1:
        (only,) = each
        return lambda mask, inputs, y, attrs, g: (only(inputs, y, attrs, g),)
    if len(each) == 2:
        left, right = each

        def vjp(mask, inputs, y, attrs, g):
            if mask == 1:
                return (left(inputs, y, attrs, g),)
            return (left(inputs, y, attrs, g) if mask & 1 else None), right(inputs, y, attrs, g)

        return vjp
    return lambda mask, inputs, y, attrs, g: [
        pull(inputs, y, attrs, g) if mask >> i & 1 else None for i, pull in enumerate(each)
    ]


def _pull_operand(prim, i, rule):
    """The vjp for operand `i` alone: a function of (inputs, y, attrs, g)."""
    if rule is None:
        return lambda inputs, y, attrs, g: None
    if not callable(rule):
        if rule == 1:
            return lambda inputs, y, attrs, g: sum_to(g, inputs[i])
        return lambda inputs, y, attrs, g: sum_to(scale(g, rule), inputs[i])
    names = parameters(rule)
    if len(prim.operands) == 1 and names == ("y",):
        return lambda inputs, y, attrs, g: scale(g, rule(y))
    if len(prim.operands) == 1 and names == prim.operands:
        return lambda inputs, y, attrs, g: scale(g, rule(inputs[0]))
    if len(names) == 1 and names[0] in prim.operands:
        j = prim.operands.index(names[0])
        return lambda inputs, y, attrs, g: sum_to(scale(g, rule(inputs[j])), inputs[i])
    pick = prim.pick(rule)
    return lambda inputs, y, attrs, g: sum_to(scale(g, rule(*pick((g, y, *attrs, *inputs)))), inputs[i])


def _push_elementwise(prim):
    plans = [(rule, prim.pick(rule)) if callable(rule) else (rule, None) for rule in prim.rules]

    def jvp(tangents, inputs, y, attrs):
        slots = (None, y, *attrs, *inputs)
        total = None
        for (rule, pick), tangent in zip(plans, tangents, strict=True):
            if tangent is not None and rule is not None:
                partial = rule if pick is None else rule(*pick(slots))
                term = space.scale_tangent(tangent, partial)
                total = term if total is None else total + term
        return None if total is None else space.broadcast_like(total, y)

    return jvp


# Linear: the transpose one way, the operation itself the other.


def _pull_linear(prim):
    if prim.operands == ("*",):
        (transpose,) = prim.rules
        pick = prim.pick(transpose)
        return lambda mask, inputs, y, attrs, g: transpose(*pick((g, y, *attrs, inputs)))
    if len(prim.rules) == 1 and not prim.many and parameters(prim.rules[0]) == ("g",):
        (transpose,) = prim.rules
        return lambda mask, inputs, y, attrs, g: (transpose(g),)
    plans = [None if rule is None else (rule, prim.pick(rule)) for rule in prim.rules]
    if len(plans) == 1 and plans[0] is not None and not prim.many:
        ((rule, pick),) = plans
        return lambda mask, inputs, y, attrs, g: (rule(*pick((g, y, *attrs, *inputs))),)

    def vjp(mask, inputs, y, attrs, g):
        slots = (_dense(g, y) if prim.many else g, y, *attrs, *inputs)
        return [
            plan[0](*plan[1](slots)) if plan is not None and mask >> i & 1 else None for i, plan in enumerate(plans)
        ]

    return vjp


def _dense(gs, ys):
    return [space.zeros_like(y) if g is None else g for g, y in zip(gs, ys, strict=True)]


def _push_linear(prim):
    def together(tangents, inputs, y, attrs):
        filled = [
            tangent if tangent is not None else (space.zeros_like(operand) if _carries(prim, i) else operand)
            for i, (tangent, operand) in enumerate(zip(tangents, inputs, strict=True))
        ]
        return apply(prim, tuple(filled), attrs)

    def each(tangents, inputs, y, attrs):
        total = None
        for i, tangent in enumerate(tangents):
            if tangent is not None and _carries(prim, i):
                term = apply(prim, (*inputs[:i], tangent, *inputs[i + 1 :]), attrs)
                if total is None:
                    total = term
                else:
                    total = [a + b for a, b in zip(total, term, strict=True)] if prim.many else total + term
        return total

    return together if prim.joint or prim.operands == ("*",) else each


def _carries(prim, i):
    """Whether the primitive is linear in operand `i`, rather than merely given it (indices, a condition)."""
    return prim.operands == ("*",) or prim.rules[i] is not None


# General: as stated.


def _pull_general(prim):
    (rule,) = prim.rules
    if rule is None:
        return _no_rule(prim)
    pick = prim.pick(rule)

    def vjp(mask, inputs, y, attrs, g):
        operands = (inputs,) if prim.operands == ("*",) else inputs
        slots = (_dense(g, y) if prim.many else g, y, *attrs, *operands)
        cotangents = rule(*pick(slots))
        return cotangents if isinstance(cotangents, (list, tuple)) else (cotangents,)

    return vjp


def _push_general(prim):
    if prim.jvp is None:
        return _push_by_transposing(prim)
    rule = prim.jvp
    pick = prim.pick(rule)

    def jvp(tangents, inputs, y, attrs):
        dense = [
            space.zeros_like(operand) if tangent is None else tangent
            for tangent, operand in zip(tangents, inputs, strict=True)
        ]
        operands = (inputs, dense) if prim.operands == ("*",) else (*inputs, *dense)
        return rule(*pick((None, y, *attrs, *operands)))

    return jvp


def _push_by_transposing(prim):
    """The vjp is linear in the cotangent u: its own vjp, at any u, is the jvp. (Townsend, 'a new trick', 2017.)"""
    from tapeflow.autodiff.tape import GradientTape

    def jvp(tangents, inputs, y, attrs):
        outs = list(y) if prim.many else [y]
        mask = sum(1 << i for i, tangent in enumerate(tangents) if tangent is not None)
        with GradientTape(watch_accessed_variables=False) as tape:
            us = [space.zeros_like(out) for out in outs]
            for u in us:
                if space.is_inexact(u):
                    tape.watch(u)
            cotangents = pull(prim)(mask, inputs, y, attrs, us if prim.many else us[0])
        pairs = [(c, t) for c, t in zip(cotangents, tangents, strict=True) if c is not None and t is not None]
        if not pairs:
            return None
        cotangents, tangents = zip(*pairs, strict=True)
        pushed = tape.gradient(list(cotangents), us, output_gradients=list(tangents))
        return pushed if prim.many else pushed[0]

    return jvp
