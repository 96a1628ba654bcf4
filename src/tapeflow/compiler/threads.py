"""Threads for loops: Python threads that wait in native code for parts of a loop, and sleep when there are none.

A job is a function, its argument and a number of parts. The calling thread and the workers take parts until none is
left, so a worker that is late, asleep or busy elsewhere costs nothing but its help. The caller takes the first part
that is left, a worker the last: from job to job each finds in its core's cache what it worked on before. The memory
that they share is

    0: job << 32 | parts taken by workers << 16 | by the caller      8: whether a caller has the workers
    16, 17, 18: function, argument, number of parts                  24: how many parts are done

in 64-bit words. The word at 0 is changed by compare-and-swap only while its job runs, which makes sure that a part is
taken with the job's own function and argument: between two jobs its lower half says that no part is left (all ones).
"""

import ctypes
import functools
import os
import queue
import threading

from tapeflow.core.devices import get_intra_op_parallelism_threads

MOST = 1 << 15  # parts
IDLE = 20_000  # rounds of waiting, some tenths of a millisecond, after which a worker goes to sleep

_SOURCE = """
@pool = global [32 x i64] zeroinitializer, align 64
{declare_pause}

define internal void @take(i64 %seen, i1 %first) {{
entry:
  %job = lshr i64 %seen, 32
  %fn.at = getelementptr i64, ptr @pool, i64 16
  %arg.at = getelementptr i64, ptr @pool, i64 17
  %n.at = getelementptr i64, ptr @pool, i64 18
  %done.at = getelementptr i64, ptr @pool, i64 24
  %fn = load atomic ptr, ptr %fn.at monotonic, align 8
  %arg = load atomic ptr, ptr %arg.at monotonic, align 8
  %n = load atomic i64, ptr %n.at monotonic, align 8
  br label %look
look:
  %word = load atomic i64, ptr @pool acquire, align 64
  %its = lshr i64 %word, 32
  %same = icmp eq i64 %its, %job
  br i1 %same, label %next, label %out
next:
  %below = and i64 %word, 65535
  %shifted = lshr i64 %word, 16
  %above = and i64 %shifted, 65535
  %taken = add i64 %below, %above
  %left = icmp ult i64 %taken, %n
  br i1 %left, label %claim, label %out
claim:
  %rest = sub i64 %n, %above
  %last = sub i64 %rest, 1
  %part = select i1 %first, i64 %below, i64 %last
  %one = select i1 %first, i64 1, i64 65536
  %after = add i64 %word, %one
  %pair = cmpxchg ptr @pool, i64 %word, i64 %after acq_rel monotonic, align 64
  %won = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %won, label %run, label %look
run:
  call void %fn(ptr %arg, i64 %part)
  %old = atomicrmw add ptr %done.at, i64 1 acq_rel, align 64
  br label %look
out:
  ret void
}}

define void @parallel(ptr %fn, ptr %arg, i64 %n) {{
entry:
  %busy.at = getelementptr i64, ptr @pool, i64 8
  %fn.at = getelementptr i64, ptr @pool, i64 16
  %arg.at = getelementptr i64, ptr @pool, i64 17
  %n.at = getelementptr i64, ptr @pool, i64 18
  %done.at = getelementptr i64, ptr @pool, i64 24
  %mine = cmpxchg ptr %busy.at, i64 0, i64 1 acq_rel monotonic, align 64
  %got = extractvalue {{ i64, i1 }} %mine, 1
  br i1 %got, label %publish, label %alone
alone:
  %i = phi i64 [ 0, %entry ], [ %i1, %each ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %each, label %finished
each:
  call void %fn(ptr %arg, i64 %i)
  %i1 = add i64 %i, 1
  br label %alone
finished:
  ret void
publish:
  %word = load atomic i64, ptr @pool monotonic, align 64
  %job = lshr i64 %word, 32
  %job1 = add i64 %job, 1
  %start = shl i64 %job1, 32
  %closed = or i64 %start, 4294967295
  store atomic i64 %closed, ptr @pool seq_cst, align 64
  store atomic ptr %fn, ptr %fn.at monotonic, align 8
  store atomic ptr %arg, ptr %arg.at monotonic, align 8
  store atomic i64 %n, ptr %n.at monotonic, align 8
  store atomic i64 0, ptr %done.at monotonic, align 64
  store atomic i64 %start, ptr @pool seq_cst, align 64
  call void @take(i64 %start, i1 true)
  br label %wait
wait:
  %done = load atomic i64, ptr %done.at acquire, align 64
  %all = icmp uge i64 %done, %n
  br i1 %all, label %free, label %again
again:
  {pause}
  br label %wait
free:
  store atomic i64 %closed, ptr @pool seq_cst, align 64
  store atomic i64 0, ptr %busy.at release, align 64
  ret void
}}

define void @work(i64 %idle) {{
entry:
  br label %look
look:
  %seen = phi i64 [ -1, %entry ], [ %seen, %again ], [ %word, %ran ]
  %waited = phi i64 [ 0, %entry ], [ %waited1, %again ], [ 0, %ran ]
  %word = load atomic i64, ptr @pool acquire, align 64
  %taken = and i64 %word, 4294967295
  %open = icmp ne i64 %taken, 4294967295
  %job = lshr i64 %word, 32
  %last = lshr i64 %seen, 32
  %fresh = icmp ne i64 %job, %last
  %go = and i1 %open, %fresh
  br i1 %go, label %ran, label %again
ran:
  call void @take(i64 %word, i1 false)
  br label %look
again:
  {pause}
  %waited1 = add i64 %waited, 1
  %tired = icmp ugt i64 %waited1, %idle
  br i1 %tired, label %out, label %look
out:
  ret void
}}
"""


def _source():
    from tapeflow.compiler import jit

    triple = jit.triple()
    if triple.startswith(("x86", "i386", "i686", "amd64")):
        return _SOURCE.format(declare_pause="declare void @llvm.x86.sse2.pause()",
                              pause="call void @llvm.x86.sse2.pause()")  # fmt: skip
    if triple.startswith(("aarch64", "arm64")):
        return _SOURCE.format(declare_pause="declare void @llvm.aarch64.hint(i32)",
                              pause="call void @llvm.aarch64.hint(i32 1)")  # fmt: skip
    return _SOURCE.format(declare_pause="", pause="fence seq_cst")


@functools.cache
def code():
    """The native functions `parallel` and `work`, and their `pool`."""
    from tapeflow.compiler import jit

    return jit.load(_source, ["parallel", "work", "pool"], level=0, name="parallel")


def count():
    """The number of threads that share a loop: `tf.config.threading`'s, or one a core."""
    wanted = get_intra_op_parallelism_threads()
    if wanted:
        return wanted
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# The workers.

_started = 0
_starting = threading.Lock()


class _Start:
    """Stands among the sleepers until there are workers: waking it makes them."""

    def put(self, _):
        global _started
        work = ctypes.CFUNCTYPE(None, ctypes.c_int64)(code().address["work"])
        with _starting:
            while _started < count() - 1:
                _started += 1
                threading.Thread(target=_worker, args=(work,), name=f"tapeflow-{_started}", daemon=True).start()


asleep = [_Start()]  # the queues of the workers that sleep: putting anything wakes one


def wake():
    """Have the workers on their feet, before a call of native code that has work for them."""
    while asleep:
        try:
            asleep.pop().put(None)
        except IndexError:  # another thread was quicker
            return


def _worker(work):
    calls = queue.SimpleQueue()
    while True:
        work(IDLE)
        asleep.append(calls)
        calls.get()


def _after_fork():
    """A forked child has this thread only."""
    global _started, _starting
    asleep[:] = [_Start()]
    _started, _starting = 0, threading.Lock()
    if code.cache_info().currsize:
        ctypes.memset(code().address["pool"], 0, 256)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
