"""What a graph does besides computing, as primitives: reads and assignments of variables, calls of Python code.

Their effects keep their order; the graph holds variables by reference.
"""

from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.primitive import constant, missing

READ_STATE = constant("ReadVariable", lambda variable: variable._array, operands="", attrs="variable")
READ_STATE.effect = "read"


def _assigning(name, method):
    def kernel(value, variable):
        getattr(variable, method)(EagerTensor(value), read_value=False)
        return ()

    prim = constant(name, kernel, operands="value", attrs="variable", many=True)
    prim.effect = "write"
    return prim


ASSIGN = {
    "assign": _assigning("AssignVariableOp", "assign"),
    "assign_add": _assigning("AssignAddVariableOp", "assign_add"),
    "assign_sub": _assigning("AssignSubVariableOp", "assign_sub"),
}
METHODS = {prim: method for method, prim in ASSIGN.items()}
# A call of Python code for what it does: printing, checks.
HOST = missing("PyCall", lambda *args: args[-1](*args[:-1]), operands="*", attrs="function", many=True)
HOST.effect = "write"
# The same of a check: the first operand says that there is nothing to raise.
CHECK = missing("Assert", lambda holds, *args: () if holds else args[-1](*args[:-1]), operands="*", attrs="function",
                many=True)  # fmt: skip
CHECK.effect = "write"
