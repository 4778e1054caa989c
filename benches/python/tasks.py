"""What every pool of CPython is asked to do, and how it is looked at."""

import os
import signal
import socket
import time


def busy(name):
    """Reports the process that it is in, and never ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reporter:
        reporter.sendto(str(os.getpid()).encode(), name)
    while True:
        pass


def asleep(name):
    """Reports the process that it is in, and does nothing for ever."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reporter:
        reporter.sendto(str(os.getpid()).encode(), name)
    signal.pause()


def begin_task(submit, task):
    """Has `submit` start `task`, waits until it has begun, and returns its process, and what
    `submit` returned."""
    name = f"\0mp-bench-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reports:
        reports.bind(name)
        handle = submit(task, name)
        return int(reports.recv(32)), handle


def kill_busy(submit):
    """Kills the worker of a task that never ends; returns a watch that runs since, and the task."""
    worker, task = begin_task(submit, busy)
    begin = time.perf_counter()
    os.kill(worker, signal.SIGKILL)
    return lambda: time.perf_counter() - begin, task


def ends(array):
    return array[0] + array[-1]


def arrays(count, bytes):
    """So many arrays of so many bytes: of numpy, if it is there."""
    try:
        import numpy
    except ImportError:
        return [b"\1" * bytes for _ in range(count)]
    return [numpy.ones(bytes // 8) for _ in range(count)]


def standby(warm_up):
    """A pool that has worked and now does nothing. Its sample is the process that it belongs to."""
    warm_up()
    return os.getpid


def resident():
    """The bytes of memory that this process has now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def queued(submit, count):
    """The bytes that each of `count` tasks costs who submits them to a worker that is busy."""

    def sample():
        begin_task(submit, asleep)
        before = resident()
        sample.handles = [submit(abs, n) for n in range(count)]
        return (resident() - before) / count

    return sample
