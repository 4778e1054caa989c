"""What becomes of the others when a process of CPython is killed by SIGKILL.

Each function returns what is called twice: to set up and kill, and then for the answer in words.
What hangs is found out by who asked.
"""

import os
import signal
import time

from common import CONTEXT, executor, nothing
from tasks import begin_task, busy

LARGE = 16 << 20
KILLED = "killed"
GOES_ON = "goes on"


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def victim(target, *args):
    """Starts a process, and returns it when it has said that it is where it shall be killed."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()
    ours.recv()
    return process


def until_asleep(pid):
    """Waits until the main thread of a process sleeps in the kernel for long."""
    calm = 0
    while calm < 20:
        with open(f"/proc/{pid}/stat") as stat:
            state = stat.read().rpartition(")")[2].split()[0]
        calm = calm + 1 if state == "S" else 0
        time.sleep(0.005)


def hold(ready, lock):
    lock.acquire()
    ready.send(None)
    signal.pause()


def holder(lock):
    kill(victim(hold, lock))
    yield KILLED
    lock.acquire()
    yield GOES_ON


def lock():
    return holder(CONTEXT.Lock()).__next__


def semaphore():
    return holder(CONTEXT.Semaphore(1)).__next__


def manager_lock():
    return holder(CONTEXT.Manager().Lock()).__next__


def wait(ready, event):
    ready.send(None)
    event.wait()


def wait_notified(ready, condition):
    with condition:
        ready.send(None)
        condition.wait()


def event_waiter():
    event = CONTEXT.Event()
    process = victim(wait, event)
    until_asleep(process.pid)
    kill(process)
    yield KILLED
    event.set()
    event.wait()
    yield GOES_ON


def condition_waiter():
    condition = CONTEXT.Condition()
    process = victim(wait_notified, condition)
    until_asleep(process.pid)
    kill(process)
    yield KILLED
    with condition:
        condition.notify_all()
    yield GOES_ON


def event():
    return event_waiter().__next__


def condition():
    return condition_waiter().__next__


def put_large(ready, queue):
    ready.send(None)
    queue.put(bytes(LARGE))
    # The thread of a Queue is still at it.
    signal.pause()


def put_small(ready, queue):
    queue.put(b"small")
    ready.send(None)
    signal.pause()


def sender(queue):
    """A sender is killed in a large message; another one sends a small one."""
    process = victim(put_large, queue)
    until_asleep(process.pid)
    kill(process)
    yield KILLED
    victim(put_small, queue)
    got = queue.get()
    yield GOES_ON if got == b"small" else f"error: {len(got)} bytes of the large message"


def queue_sender():
    return sender(CONTEXT.Queue()).__next__


def simple_queue_sender():
    return sender(CONTEXT.SimpleQueue()).__next__


def get(ready, queue):
    ready.send(None)
    queue.get()


def receiver(queue):
    """A receiver is killed while it waits; another one wants the next message."""
    process = victim(get, queue)
    until_asleep(process.pid)
    kill(process)
    yield KILLED
    queue.put(b"small")
    queue.get()
    yield GOES_ON


def queue_receiver():
    return receiver(CONTEXT.Queue()).__next__


def simple_queue_receiver():
    return receiver(CONTEXT.SimpleQueue()).__next__


def worker(submit, result):
    """The worker of one task is killed: what of this task, and of the next?"""
    pid, task = begin_task(submit, busy)
    os.kill(pid, signal.SIGKILL)
    yield KILLED
    yield f"{outcome(result, task)}, then {outcome(lambda _: result(submit(nothing)), None)}"


def outcome(result, task):
    try:
        result(task)
        return GOES_ON
    except Exception as error:
        return f"error: {type(error).__name__}"


def pool_worker():
    pool = CONTEXT.Pool(1)
    return worker(lambda f, *args: pool.apply_async(f, args), lambda task: task.get()).__next__


def executor_worker():
    pool = executor(1)
    return worker(pool.submit, lambda task: task.result()).__next__


def loky_worker():
    from thirdparty import loky

    pool = loky(1)
    return worker(pool.submit, lambda task: task.result()).__next__


def mpire_worker():
    from thirdparty import mpire

    pool = mpire(1)
    return worker(lambda f, *args: pool.apply_async(f, args), lambda task: task.get()).__next__


def pebble_worker():
    from thirdparty import pebble

    pool = pebble(1)
    return worker(lambda f, *args: pool.schedule(f, args=args), lambda task: task.result()).__next__


def kill_self(signal_number):
    os.kill(os.getpid(), signal_number)


def reasons():
    endings = [(kill_self, signal.SIGKILL), (kill_self, signal.SIGABRT), (os._exit, 42)]

    def told():
        yield KILLED
        codes = []
        for end, argument in endings:
            process = CONTEXT.Process(target=end, args=(argument,))
            process.start()
            process.join()
            codes.append(f"exitcode {process.exitcode}")
        yield "; ".join(codes)

    return told().__next__


def sleep_for_ever():
    signal.pause()


def parent(pid):
    child = CONTEXT.Process(target=sleep_for_ever, daemon=True)
    child.start()
    pid.send(child.pid)
    signal.pause()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def orphaned():
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=parent, args=(theirs,))
    process.start()
    child = ours.recv()
    kill(process)
    yield KILLED
    for _ in range(100):
        if not alive(child):
            yield "ends"
        time.sleep(0.01)
    yield "lives on, an orphan"


def orphan():
    return orphaned().__next__
