"""Two processes at work on one thing, each on a processor of its own, and how often they do it."""

import os
import time

from common import CONTEXT, PATIENCE

# Seconds in which whatever comes between does not count.
LONG = 0.2


def pin(place):
    """0 is anywhere, 1 the first processor."""
    if place:
        os.sched_setaffinity(0, {place - 1})


def paced(millis, work):
    """Makes a sample of `work(count)`, with a count that fills so many milliseconds; it returns
    the seconds that `work` took for each. The first sample finds the count."""
    target, found = millis / 1e3, None

    def timed(count):
        begin = time.perf_counter()
        work(count)
        return time.perf_counter() - begin

    def sample():
        nonlocal found
        if found:
            return timed(found) / found
        count = 1
        while True:
            took = timed(count)
            if took < LONG:
                # Once more, since something else may have come between.
                took = min(took, timed(count))
            if took >= target / 2:
                found = count
                return took / count
            count = int(count * min(max(target / took, 2), 16))

    return sample


def serve(place, orders, work, arguments):
    """What the partner does all its life."""
    pin(place)
    try:
        while True:
            work(orders.recv(), *arguments)
            orders.send(None)
    except EOFError:
        pass


class Partner:
    """A process at `place` that does `work(count, *arguments)` when it is told to."""

    def __init__(self, place, work, *arguments):
        # They must live until the partner has opened them.
        self.arguments = arguments
        self.orders, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(
            target=serve, args=(place, theirs, work, arguments), daemon=True
        )
        self.process.start()
        theirs.close()

    def order(self, count):
        self.orders.send(count)

    def finish(self):
        if not self.orders.poll(PATIENCE):
            raise RuntimeError(f"hangs: not done after {PATIENCE} s")
        self.orders.recv()


def together(millis, here, partners, work):
    """Makes a sample of what this process does, and its partners at the same time."""
    pin(here)

    def act(count):
        for partner in partners:
            partner.order(count)
        work(count)
        for partner in partners:
            partner.finish()

    return paced(millis, act)
