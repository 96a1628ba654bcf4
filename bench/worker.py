"""One peer's process: `python -m bench.worker PEER`. Reads requests, answers each, one JSON line apiece.

{"work": ..., "mode": ...}                 sets the workload up and runs it four times: {"values": numbers}
{"work": ..., "mode": ..., "count": n}     runs it n times: {"mean": seconds}
{"work": ..., "mode": ..., "seconds": s}   finds how often it runs in about s seconds: {"count": n}
{"work": ..., "mode": ..., "first": true}  sets it up and times the first call: {"first": seconds, "peak": bytes}
"""

import importlib
import importlib.metadata
import json
import os
import sys
import time
import traceback

from bench.peers import PEERS

try:
    import resource
except ImportError:  # Windows, where the peak of a process is not reported
    resource = None


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "from a checkout"


def mean(call, count):
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count


def settle(call, seconds=0.2):
    """Run it unmeasured for a while: the threads of another mode before it may still wait for work, on the cores."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        call()


def count_for(call, seconds):
    """How many calls take about `seconds`, found by doubling; this also warms the workload up."""
    count = 1
    while (took := mean(call, count) * count) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / took))


def numbers(result):
    """What the peers compare: a result's elements, or three moments of each large array in it."""
    import numpy as np

    found = []
    for value in result if isinstance(result, tuple) else (result,):
        value = value.detach() if hasattr(value, "detach") else value  # torch
        array = np.asarray(value).astype(float).ravel()
        if array.size > 3:
            array = [array.mean(), np.sqrt(np.square(array).mean()), (array * np.linspace(0, 1, array.size)).mean()]
        found += [float(x) for x in array]
    return found


def run_first(setup):
    """A first call, and the most memory the process took by then and in three more."""
    call = setup()
    first = mean(call, 1)
    mean(call, 3)
    if resource is None:
        return {"first": first, "peak": None}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"first": first, "peak": peak if sys.platform == "darwin" else peak * 1024}


def answer(request, workloads, ready):
    key = request["work"], request["mode"]
    if "first" in request:
        return run_first(workloads[key])
    if "count" in request:
        settle(ready[key])
        return {"mean": mean(ready[key], request["count"])}
    if "seconds" in request:
        return {"count": count_for(ready[key], request["seconds"])}
    for other in [other for other in ready if other[0] != key[0]]:
        del ready[other]  # the rows before are done with, and their memory is free
    call = ready[key] = workloads[key]()
    results = [call() for _ in range(4)]  # the last shows what training steps before it did
    return {"values": numbers(results[0]) + numbers(results[-1])}


def main(name):
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the peer prints must not be taken for a reply
    peer = PEERS[name]
    workloads = importlib.import_module(f"bench.workloads.{peer.workloads}").WORKLOADS
    versions = {package: version(package) for package in peer.versions}
    hello = {"python": sys.version.split()[0], "versions": versions, "workloads": list(workloads)}
    print(json.dumps(hello), file=replies, flush=True)
    ready = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), workloads, ready)
        except Exception:  # the row is reported as failed, and the others go on
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
