"""What mp-bench measures of CPython: `peer.py WHAT NUMBER...`, then one sample for each line read.

Each function below sets up what it measures, and returns a function that takes one sample and
returns the seconds that it took.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import socket
import sys
import time

CONTEXT = multiprocessing.get_context("spawn")
WORKERS = 2
PATIENCE = 5.0


def nothing():
    pass


def same(n):
    return n


def busy(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reporter:
        reporter.sendto(str(os.getpid()).encode(), name)
    while True:
        pass


def timed(body):
    def sample():
        begin = time.perf_counter()
        body()
        return time.perf_counter() - begin

    return sample


def executor(workers):
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=CONTEXT)


def start(count, ballast):
    start.heap = b"\1" * ballast

    def body():
        for _ in range(count):
            process = CONTEXT.Process(target=nothing)
            process.start()
            process.join()

    return timed(body)


def pool_map(count, chunk):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: pool.map(same, range(count), chunk or None))


def executor_map(count, chunk):
    pool = executor(WORKERS)
    return timed(lambda: list(pool.map(same, range(count), chunksize=chunk)))


def pool_apply(count):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: [pool.apply(same, (n,)) for n in range(count)])


def executor_apply(count):
    pool = executor(WORKERS)
    return timed(lambda: [pool.submit(same, n).result() for n in range(count)])


def kill_busy(submit):
    """Has `submit` start an endless task, kills its worker, and returns when, and the task."""
    name = f"\0mp-bench-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reports:
        reports.bind(name)
        task = submit(busy, name)
        worker = int(reports.recv(32))
    begin = time.perf_counter()
    os.kill(worker, signal.SIGKILL)
    return begin, task


def executor_kill(until_next):
    def sample():
        pool = executor(1)
        begin, task = kill_busy(pool.submit)
        task.exception()
        if until_next:
            # A broken executor takes no more tasks: the caller has to make another.
            pool = executor(1)
            pool.submit(nothing).result()
        took = time.perf_counter() - begin
        pool.shutdown()
        return took

    return sample


def pool_kill():
    def sample():
        with CONTEXT.Pool(1) as pool:
            begin, task = kill_busy(lambda f, name: pool.apply_async(f, (name,)))
            try:
                task.get(PATIENCE)
            except multiprocessing.TimeoutError:
                raise RuntimeError(f"not told within {PATIENCE} s") from None
        return time.perf_counter() - begin

    return sample


def main():
    what, numbers = sys.argv[1], map(int, sys.argv[2:])
    sample = globals()[what](*numbers)
    for _ in sys.stdin:
        try:
            answer = sample()
        except Exception as error:
            answer = str(error) or repr(error)
        print(answer, flush=True)
    # A pool's threads would wait for each other.
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
