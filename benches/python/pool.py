"""The pools of the standard library: `multiprocessing.Pool` and `ProcessPoolExecutor`."""

import multiprocessing

from common import CONTEXT, PATIENCE, WORKERS, executor, nothing, same, timed
from tasks import arrays, ends, kill_busy, queued, standby


def pool_map(count, chunk):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: pool.map(same, range(count), chunk or None))


def executor_map(count, chunk):
    pool = executor(WORKERS)
    return timed(lambda: list(pool.map(same, range(count), chunksize=chunk)))


def pool_imap_unordered(count):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: list(pool.imap_unordered(same, range(count))))


def pool_apply(count):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: [pool.apply(same, (n,)) for n in range(count)])


def pool_echo(size):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: pool.apply(same, (b"\7" * size,)))


def executor_echo(size):
    pool = executor(WORKERS)
    return timed(lambda: pool.submit(same, b"\7" * size).result())


def pool_submit(count):
    pool = CONTEXT.Pool(WORKERS)
    return timed(lambda: [pool.apply_async(same, (n,)).get() for n in range(count)])


def executor_submit(count):
    pool = executor(WORKERS)
    return timed(lambda: [pool.submit(same, n).result() for n in range(count)])


def pool_arrays(count, bytes):
    pool = CONTEXT.Pool(WORKERS)
    values = arrays(count, bytes)
    return timed(lambda: pool.map(ends, values, 1))


def executor_arrays(count, bytes):
    pool = executor(WORKERS)
    values = arrays(count, bytes)
    return timed(lambda: list(pool.map(ends, values)))


def pool_idle():
    pool = CONTEXT.Pool(WORKERS)
    return standby(lambda: pool.map(same, range(100), 1))


def executor_idle():
    pool = executor(WORKERS)
    return standby(lambda: list(pool.map(same, range(100))))


def pool_queued(count):
    pool = CONTEXT.Pool(1)
    return queued(lambda f, *args: pool.apply_async(f, args), count)


def executor_queued(count):
    pool = executor(1)
    return queued(pool.submit, count)


def executor_kill(until_next):
    def sample():
        pool = executor(1)
        stopwatch, task = kill_busy(pool.submit)
        task.exception()
        if until_next:
            # A broken executor takes no more tasks: the caller has to make another.
            pool = executor(1)
            pool.submit(nothing).result()
        took = stopwatch()
        pool.shutdown()
        return took

    return sample


def pool_kill():
    def sample():
        with CONTEXT.Pool(1) as pool:
            stopwatch, task = kill_busy(lambda f, name: pool.apply_async(f, (name,)))
            try:
                task.get(PATIENCE)
            except multiprocessing.TimeoutError:
                raise RuntimeError(f"not told within {PATIENCE} s") from None
            return stopwatch()

    return sample
