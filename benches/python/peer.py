"""A Python peer of mp-bench: `peer.py MODULE.FUNCTION NUMBER...`.

The function sets up what it measures, and returns a function that takes one sample each time that a
line is read, and returns the seconds that it took, or words. What fails is answered in words too,
behind a `!`. At the end of its input the process ends, and takes its children along.
"""

import importlib
import multiprocessing
import os
import sys


def setup(what, *numbers):
    module, function = what.split(".")
    try:
        return getattr(importlib.import_module(module), function)(*map(int, numbers))
    except ModuleNotFoundError as error:
        raise RuntimeError(f"{error.name} is not installed") from None


def answer(function, *arguments):
    """What `function` returns, or a function of no arguments that says why it failed."""
    try:
        return function(*arguments)
    except Exception as error:
        words = str(error) or repr(error)
        return lambda: "!" + " ".join(words.split())


def main():
    sample = answer(setup, *sys.argv[1:])
    for _ in sys.stdin:
        result = answer(sample)
        print(result() if callable(result) else result, flush=True)
    # A pool's threads would wait for each other.
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
