"""What each peer runs: a module a peer, each with WORKLOADS, {(row, mode): a function that sets it up}.

Setting up returns the function to be timed, which returns a number or a tuple of them, the same for every
peer where the row compares: the gradient, or the loss of a training step.
"""
