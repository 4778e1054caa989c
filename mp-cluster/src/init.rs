//! The main guard of programs that use a cluster: where a worker leaves the path of its client.

use std::sync::OnceLock;

use crate::agent;
use crate::config::ADDRESS;

/// Says that this process is to be a worker.
const ROLE: &str = "MP_ROLE";
const WORKER: &str = "worker";

static READY: OnceLock<()> = OnceLock::new();

/// Makes this program one that can be a worker of its cluster, and can start processes: as
/// [`mp_process::init`]. Call it first in `main`.
///
/// In a child of a pool it does not return, as there. In a process that was started with
/// `MP_ROLE=worker` it does not return either: that is a worker of the cluster at `MP_CLUSTER`,
/// which runs tasks until it is told to end, by SIGTERM.
///
/// Nothing else decides about this: who is started by `srun` or `mpiexec` without these variables
/// is the program itself, whatever its rank.
///
/// # Examples
///
/// ```
/// mp_cluster::init();
/// let pool = mp_pool::Pool::new(2)?;
/// assert_eq!(pool.map(|n: u32| n * n, [1, 2])?, [1, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn init() {
    init_with(|| {});
}

/// As [`init`], and runs `setup` first, in clients and workers: as [`mp_process::init_with`].
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static LEVEL: AtomicU32 = AtomicU32::new(0);
///
/// mp_cluster::init_with(|| LEVEL.store(3, Ordering::Relaxed));
/// assert_eq!(LEVEL.load(Ordering::Relaxed), 3);
/// ```
pub fn init_with(setup: fn()) {
    note();
    mp_process::init_with(setup);
    serve_if_asked();
}

/// What [`init`] is to a test: as [`mp_process::init_test`].
pub fn init_test(module: &str, name: &str) {
    init_test_with(module, name, || {});
}

/// As [`init_test`], with a setup as in [`init_with`].
pub fn init_test_with(module: &str, name: &str, setup: fn()) {
    note();
    mp_process::init_test_with(module, name, setup);
    serve_if_asked();
}

/// Whether this program can be a worker.
pub(crate) fn is_initialized() -> bool {
    READY.get().is_some()
}

/// A child of a pool has not come here: `init` does not return there.
fn serve_if_asked() {
    if std::env::var_os(ROLE).is_some_and(|role| role == WORKER) {
        if crate::config::variable(ADDRESS).is_none() {
            eprintln!("{ROLE}={WORKER} makes this a worker of a cluster: set {ADDRESS} as well");
            std::process::exit(2);
        }
        std::process::exit(agent::run());
    }
}

/// Notes that a process of this program can become a worker; children, too, for which `init` does
/// not return.
fn note() {
    READY.get_or_init(|| ());
}
