"""A dict that a Manager serves, used by one client and by two."""

from common import CONTEXT, timed

KEYS = [f"key-{n}" for n in range(100)]


def get(served, count):
    for n in range(count):
        served[KEYS[n % len(KEYS)]]


def put(served, count):
    for n in range(count):
        served[KEYS[n % len(KEYS)]] = n


def client(verb, served, orders):
    """Does what it is told, and says so, until it is killed."""
    while True:
        verb(served, orders.recv())
        orders.send(None)


def clients(verb, count, how_many):
    """`how_many` processes that share `count` operations."""
    served = CONTEXT.Manager().dict(dict.fromkeys(KEYS, 0))
    ours = []
    for _ in range(how_many):
        mine, theirs = CONTEXT.Pipe()
        CONTEXT.Process(target=client, args=(verb, served, theirs), daemon=True).start()
        ours.append(mine)

    def body():
        for orders in ours:
            orders.send(count // how_many)
        for orders in ours:
            orders.recv()

    # The server ends when its manager and the proxies of this process are gone.
    body.served = served
    body()
    return timed(body)


def gets(count, how_many):
    return clients(get, count, how_many)


def puts(count, how_many):
    return clients(put, count, how_many)


def bulk(items, calls):
    served = CONTEXT.Manager().dict()
    update = {f"key-{n}": n for n in range(items)}
    return timed(lambda: [served.update(update) for _ in range(calls)])


def create(count):
    manager = CONTEXT.Manager()
    return timed(lambda: [manager.dict() for _ in range(count)])
