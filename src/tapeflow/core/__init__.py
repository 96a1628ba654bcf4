"""What flows: dtypes, shapes, tensors, variables, nested structures and the errors about them."""

import time

LOADED = time.time_ns()  # when this package was
