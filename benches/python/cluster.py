"""What others have for many machines: mpi4py.futures, Ray and Dask, here on one.

Each is imported only by what measures it: any of them may be missing.
"""

import importlib
import os
import shutil
import sys

from common import WORKERS, same, timed

# Open MPI counts processors, and refuses to be root, if it is not told otherwise.
MPI = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}


def become_mpi():
    """Begins anew as `mpiexec -n 3 python -m mpi4py.futures`, unless this is what came of it. A
    pool that spawns its workers is not portable, and half as fast."""
    if "mpi4py" in sys.modules:
        return
    importlib.import_module("mpi4py")
    if not shutil.which("mpiexec"):
        raise RuntimeError("mpiexec is not installed")
    launch = ["mpiexec", "-n", str(WORKERS + 1)]
    python = [sys.executable, "-B", "-m", "mpi4py.futures"]
    os.execvpe("mpiexec", [*launch, *python, *sys.argv], os.environ | MPI)


def mpi_map(count, chunk):
    become_mpi()
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
