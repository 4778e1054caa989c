"""Starting a process that does nothing, by each of the start methods."""

import multiprocessing

from common import nothing, timed


def start(method):
    """Returns what measures the start method of that name."""

    def measure(count, ballast):
        context = multiprocessing.get_context(method)
        # What is started must not be the first of its kind: the fork server starts only once.
        context.Process(target=nothing).start()
        measure.heap = b"\1" * ballast

        def body():
            for _ in range(count):
                process = context.Process(target=nothing)
                process.start()
                process.join()

        return timed(body)

    return measure


spawn, fork, forkserver = map(start, ("spawn", "fork", "forkserver"))
