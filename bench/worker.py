"""One peer's process: `python -m bench.worker PEER`. Reads requests, answers each, one JSON line apiece.

{"row": ..., "mode": ...}                 sets the workload up and runs it once: {"values": numbers}
{"row": ..., "mode": ..., "count": n}     runs it n times: {"mean": seconds}
{"row": ..., "mode": ..., "seconds": s}   finds how often it runs in about s seconds: {"count": n}
"""

import importlib
import importlib.metadata
import json
import os
import sys
import time
import traceback

from bench.peers import PEERS


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


def count_for(call, seconds):
    """How many calls take about `seconds`, found by doubling; this also warms the workload up."""
    count = 1
    while (took := mean(call, count) * count) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / took))


def answer(request, workloads, ready):
    key = request["row"], request["mode"]
    if "count" in request:
        return {"mean": mean(ready[key], request["count"])}
    if "seconds" in request:
        return {"count": count_for(ready[key], request["seconds"])}
    ready[key] = workloads[key]()
    result = ready[key]()
    return {"values": [float(value) for value in (result if isinstance(result, tuple) else (result,))]}


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
