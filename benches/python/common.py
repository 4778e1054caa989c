"""What the modules of peers have in common.

Children of spawn import their functions by name, so nothing that they need may be in `__main__`.
"""

import concurrent.futures
import multiprocessing
import time

CONTEXT = multiprocessing.get_context("spawn")
WORKERS = 2
PATIENCE = 5.0


def nothing():
    pass


def same(n):
    return n


def timed(body):
    """Makes a function that calls `body` and returns the seconds that it took."""

    def sample():
        begin = time.perf_counter()
        body()
        return time.perf_counter() - begin

    return sample


def executor(workers):
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=CONTEXT)
