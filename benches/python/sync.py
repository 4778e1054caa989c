"""CPython's locks and their kin."""

import os
import signal
import time

from common import CONTEXT
from duo import Partner, paced, together

PATIENCE = 2.0


def lock_and_unlock(count, lock):
    for _ in range(count):
        with lock:
            pass


def lock(millis):
    lock = CONTEXT.Lock()
    return paced(millis, lambda count: lock_and_unlock(count, lock))


def lock_by_two(millis, here, there):
    lock = CONTEXT.Lock()
    partner = Partner(there, lock_and_unlock, lock)
    return together(millis, here, [partner], lambda count: lock_and_unlock(count, lock))


def hold(lock, held):
    with lock:
        held.send(None)
        signal.pause()


def lock_owner_killed():
    def sample():
        lock = CONTEXT.Lock()
        held, theirs = CONTEXT.Pipe()
        owner = CONTEXT.Process(target=hold, args=(lock, theirs))
        owner.start()
        held.recv()
        begin = time.perf_counter()
        os.kill(owner.pid, signal.SIGKILL)
        taken = lock.acquire(timeout=PATIENCE)
        took = time.perf_counter() - begin
        owner.join()
        if not taken:
            raise RuntimeError(f"hangs: not done after {PATIENCE} s")
        return took

    return sample


def semaphore(millis):
    semaphore = CONTEXT.Semaphore(1)

    def work(count):
        for _ in range(count):
            semaphore.acquire()
            semaphore.release()

    return paced(millis, work)


def answer_event(count, here, there):
    for _ in range(count):
        here.wait()
        here.clear()
        there.set()


def event(millis, here, there):
    mine, yours = CONTEXT.Event(), CONTEXT.Event()

    def work(count):
        for _ in range(count):
            yours.set()
            mine.wait()
            mine.clear()

    return together(millis, here, [Partner(there, answer_event, yours, mine)], work)


def answer_condition(count, condition, turn):
    for _ in range(count):
        with condition:
            condition.wait_for(lambda: turn.value)
            turn.value = 0
            condition.notify()


def condition(millis, here, there):
    condition, turn = CONTEXT.Condition(), CONTEXT.RawValue("i", 0)

    def work(count):
        for _ in range(count):
            with condition:
                turn.value = 1
                condition.notify()
                condition.wait_for(lambda: not turn.value)

    return together(millis, here, [Partner(there, answer_condition, condition, turn)], work)


def meet(count, barrier):
    for _ in range(count):
        barrier.wait()


def barrier(millis, here, there):
    barrier = CONTEXT.Barrier(2)
    return together(millis, here, [Partner(there, meet, barrier)], lambda n: meet(n, barrier))


def add(count, value):
    for _ in range(count):
        with value.get_lock():
            value.value += 1


def value(millis):
    value = CONTEXT.Value("q", 0)
    return paced(millis, lambda count: add(count, value))


def value_by_two(millis, here, there):
    value = CONTEXT.Value("q", 0)
    return together(millis, here, [Partner(there, add, value)], lambda count: add(count, value))


def array(millis):
    array = CONTEXT.Array("i", 1000)

    def work(count):
        for i in range(count):
            array[i % 1000] = i

    return paced(millis, work)
