"""Pools that others have written for CPython: loky, mpire and pebble.

Each is imported only by what measures it: any of them may be missing.
"""

import importlib

from common import CONTEXT, WORKERS, nothing, same, timed
from tasks import arrays, ends, kill_busy, queued, standby


def loky(workers=WORKERS):
    return importlib.import_module("loky").ProcessPoolExecutor(workers)


def mpire(workers=WORKERS):
    module = importlib.import_module("mpire")
    pool = module.WorkerPool(workers, start_method="spawn", keep_alive=True)
    # Its workers start with the first task.
    pool.map(same, range(workers))
    return pool


def pebble(workers=WORKERS):
    return importlib.import_module("pebble").ProcessPool(workers, context=CONTEXT)


def loky_map(count, chunk):
    pool = loky()
    return timed(lambda: list(pool.map(same, range(count), chunksize=chunk)))


def mpire_map(count, chunk):
    pool = mpire()
    return timed(lambda: pool.map(same, range(count), chunk_size=chunk or None))


def pebble_map(count, chunk):
    pool = pebble()
    return timed(lambda: list(pool.map(same, range(count), chunksize=chunk).result()))


def mpire_imap_unordered(count):
    pool = mpire()
    return timed(lambda: list(pool.imap_unordered(same, range(count), chunk_size=1)))


def mpire_apply(count):
    pool = mpire()
    return timed(lambda: [pool.apply(same, (n,)) for n in range(count)])


def loky_submit(count):
    pool = loky()
    return timed(lambda: [pool.submit(same, n).result() for n in range(count)])


def mpire_submit(count):
    pool = mpire()
    return timed(lambda: [pool.apply_async(same, (n,)).get() for n in range(count)])


def pebble_submit(count):
    pool = pebble()
    return timed(lambda: [pool.schedule(same, args=(n,)).result() for n in range(count)])


def loky_arrays(count, bytes):
    pool = loky()
    values = arrays(count, bytes)
    return timed(lambda: list(pool.map(ends, values)))


def loky_idle():
    pool = loky()
    return standby(lambda: list(pool.map(same, range(100))))


def mpire_idle():
    pool = mpire()
    return standby(lambda: pool.map(same, range(100)))


def pebble_idle():
    pool = pebble()
    return standby(lambda: list(pool.map(same, range(100)).result()))


def loky_queued(count):
    return queued(loky(1).submit, count)


def pebble_queued(count):
    pool = pebble(1)
    return queued(lambda f, *args: pool.schedule(f, args=args), count)


def loky_kill(until_next):
    def sample():
        pool = loky(1)
        stopwatch, task = kill_busy(pool.submit)
        task.exception()
        if until_next:
            # A broken executor takes no more tasks: the caller has to make another.
            pool = loky(1)
            pool.submit(nothing).result()
        took = stopwatch()
        pool.shutdown()
        return took

    return sample


def mpire_kill(until_next):
    def sample():
        pool = mpire(1)
        stopwatch, task = kill_busy(lambda f, name: pool.apply_async(f, (name,)))
        try:
            task.get()
        except RuntimeError:
            pass
        if until_next:
            # Its workers are gone for good.
            pool.terminate()
            pool = mpire(1)
        return stopwatch()

    return sample


def pebble_kill(until_next):
    pool = pebble(1)

    def sample():
        stopwatch, task = kill_busy(lambda f, name: pool.schedule(f, args=(name,)))
        task.exception()
        if until_next:
            pool.schedule(nothing).result()
        return stopwatch()

    return sample
