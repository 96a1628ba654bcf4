"""TensorFlow's exception classes and status codes."""

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OpError(Exception):
    """An operation failed.

    >>> import tapeflow as tf
    >>> try:
    ...     tf.constant([1., 2.]) + tf.constant([1., 2., 3.])
    ... except tf.errors.OpError as error:
    ...     print(type(error).__name__, error.error_code)
    InvalidArgumentError 3
    """

    def __init__(self, node_def, op, message, error_code, *args):
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code
        self._payloads = {}

    message = property(lambda self: self._message, doc="What happened.")
    op = property(lambda self: self._op, doc="The operation that failed, if known.")
    node_def = property(lambda self: self._node_def, doc="The operation's definition, if known.")
    error_code = property(lambda self: self._error_code, doc="The status code, an int.")
    experimental_payloads = property(lambda self: self._payloads, doc="More about the error, a dictionary.")

    def __str__(self):
        return str(self._message)

    def __reduce__(self):
        return type(self), (self._node_def, self._op, self._message, self._error_code)


def _error(name, code, doc):
    def __init__(self, node_def, op, message, *args):
        OpError.__init__(self, node_def, op, message, code)

    return type(name, (OpError,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


CancelledError = _error("CancelledError", CANCELLED, "An operation was cancelled.")
UnknownError = _error("UnknownError", UNKNOWN, "An error of no known kind.")
InvalidArgumentError = _error("InvalidArgumentError", INVALID_ARGUMENT, "An operation was given what it cannot take.")
DeadlineExceededError = _error("DeadlineExceededError", DEADLINE_EXCEEDED, "Time ran out.")
NotFoundError = _error("NotFoundError", NOT_FOUND, "Something asked for does not exist.")
AlreadyExistsError = _error("AlreadyExistsError", ALREADY_EXISTS, "Something to be made exists already.")
PermissionDeniedError = _error("PermissionDeniedError", PERMISSION_DENIED, "The caller may not do this.")
UnauthenticatedError = _error("UnauthenticatedError", UNAUTHENTICATED, "The caller is not known.")
ResourceExhaustedError = _error("ResourceExhaustedError", RESOURCE_EXHAUSTED, "Memory or another resource ran out.")
FailedPreconditionError = _error("FailedPreconditionError", FAILED_PRECONDITION, "The state is not one for this.")
AbortedError = _error("AbortedError", ABORTED, "An operation was aborted.")
OutOfRangeError = _error("OutOfRangeError", OUT_OF_RANGE, "An iteration went past its end.")
UnimplementedError = _error("UnimplementedError", UNIMPLEMENTED, "An operation is not implemented for this.")
InternalError = _error("InternalError", INTERNAL, "Something is broken within.")
UnavailableError = _error("UnavailableError", UNAVAILABLE, "A service is not available now.")
DataLossError = _error("DataLossError", DATA_LOSS, "Data was lost or corrupted.")


class OperatorNotAllowedInGraphError(TypeError):
    """A tensor that has no value yet was used as a Python value."""


class InaccessibleTensorError(ValueError):
    """A tensor was used outside the function that it belongs to."""


def invalid_argument(message):
    """An `InvalidArgumentError` with a message and nothing else."""
    return InvalidArgumentError(None, None, message)
