"""CPython's shared memory."""

from multiprocessing.shared_memory import SharedMemory

from common import CONTEXT
from duo import Partner, paced, together


def create(millis, length):
    def work(count):
        for _ in range(count):
            first = SharedMemory(create=True, size=length)
            second = SharedMemory(first.name)
            first.buf[0] = 1
            second.close()
            first.close()
            first.unlink()

    return paced(millis, work)


def touch(memory):
    memory.buf[0] = memory.buf[-1] = 1


def pass_back(count, connection):
    for _ in range(count):
        name = connection.recv()
        memory = SharedMemory(name)
        touch(memory)
        memory.close()
        connection.send(name)


def hand_over(millis, here, there, length):
    connection, theirs = CONTEXT.Pipe()
    array = SharedMemory(create=True, size=length)

    def work(count):
        for _ in range(count):
            connection.send(array.name)
            memory = SharedMemory(connection.recv())
            touch(memory)
            memory.close()

    # At the end, the resource tracker unlinks the array.
    return together(millis, here, [Partner(there, pass_back, theirs)], work)


def copy_back(count, connection):
    for _ in range(count):
        connection.send(connection.recv())


def copy_over(millis, here, there, length):
    connection, theirs = CONTEXT.Pipe()
    array = bytes(length)

    def work(count):
        for _ in range(count):
            connection.send(array)
            connection.recv()

    return together(millis, here, [Partner(there, copy_back, theirs)], work)
