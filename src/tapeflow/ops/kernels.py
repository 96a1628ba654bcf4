"""What kernels of several families share."""

from tapeflow.core.dtype import BY_NUMPY
from tapeflow.core.errors import InternalError, NotFoundError, invalid_argument


def absent(prim, dtypes):
    """Have `prim` refuse `dtypes` as TensorFlow does: the definition allows them, no kernel computes them."""
    for dtype in dtypes:
        prim.kernels[dtype] = _refuse(prim.name, BY_NUMPY[dtype])


def _refuse(name, dtype):
    def kernel(*arrays):
        raise NotFoundError(
            None, None,
            f"Could not find device for node: {{{{node {name}}}}} = {name}[T=DT_{dtype._proto.upper()}]: "
            f"there is no kernel of {name} for {dtype.name}; cast the operands first [Op:{name}] name: ",
        )  # fmt: skip

    return kernel


def nonzero_divisor(b, name):
    """Raise InvalidArgumentError if an integer divisor is 0 (InternalError in the truncating operations)."""
    if (not b.all()) if b.ndim else not b:
        if name.startswith("Truncate"):
            text = "Unexpected error in binary operator (only integer div and mod should have errors)"
            raise InternalError(None, None, f"{text}: Integer division by zero [Op:{name}] name: ")
        raise invalid_argument(f"Integer division by zero [Op:{name}] name: ")
