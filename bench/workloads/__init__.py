"""What each peer runs: a module a peer, each with WORKLOADS, {(workload, mode): a function that sets it up}.

Setting up makes data and parameters, and returns the function to be timed. What that returns, a tensor or a tuple of
them, is the same for every peer where the row compares: a gradient, or the loss of a training step.

Each peer gets the form of the program that was quickest for it, among those that a user of it would write.
"""
