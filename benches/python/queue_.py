"""CPython's queues and pipes."""

from common import CONTEXT
from duo import Partner, together


def put(count, queue, length):
    message = bytes(length)
    for _ in range(count):
        queue.put(message)


def get(count, queue):
    for _ in range(count):
        queue.get()


def stream_through(queue, millis, here, there, length):
    partner = Partner(there, put, queue, length)
    return together(millis, here, [partner], lambda count: get(count, queue))


def stream(*numbers):
    return stream_through(CONTEXT.Queue(), *numbers)


def stream_simple(*numbers):
    return stream_through(CONTEXT.SimpleQueue(), *numbers)


def many_through(queue, millis, side, length):
    partners = [Partner(0, put, queue, length) for _ in range(side)]
    partners += [Partner(0, get, queue) for _ in range(side)]
    return together(millis, 0, partners, lambda count: None)


def many(*numbers):
    return many_through(CONTEXT.Queue(), *numbers)


def many_simple(*numbers):
    return many_through(CONTEXT.SimpleQueue(), *numbers)


def answer(count, connection, length):
    message = bytes(length)
    for _ in range(count):
        connection.recv_bytes()
        connection.send_bytes(message)


def pipe(millis, here, there, length):
    connection, theirs = CONTEXT.Pipe()
    message = bytes(length)

    def work(count):
        for _ in range(count):
            connection.send_bytes(message)
            connection.recv_bytes()

    return together(millis, here, [Partner(there, answer, theirs, length)], work)
