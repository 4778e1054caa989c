"""What others have for many machines: mpi4py.futures, Ray and Dask, here on one.

Each is imported only by what measures it: any of them may be missing.
"""

import importlib

from common import WORKERS, same, timed


def mpi_map(count, chunk):
    executor = importlib.import_module("mpi4py.futures").MPIPoolExecutor(WORKERS)
    executor.bootup()
    return timed(lambda: list(executor.map(same, range(count), chunksize=chunk)))


def ray_map(count, _chunk):
    ray = importlib.import_module("ray")
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    task = ray.remote(same)
    return timed(lambda: ray.get([task.remote(n) for n in range(count)]))


def dask_map(count, _chunk):
    distributed = importlib.import_module("distributed")
    client = distributed.Client(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None)
    return timed(lambda: client.gather(client.map(same, range(count), pure=False)))
