//! What a task can ask about the worker that it runs in.

use std::sync::OnceLock;

static WORKER: OnceLock<usize> = OnceLock::new();

/// Notes that this process is a worker.
pub(crate) fn become_worker(id: usize) {
    WORKER.get_or_init(|| id);
}

/// The number of this worker among those of its pool: from 0 up to the number of workers, and
/// always the same for one process. A replacement takes the number of the one that it replaces.
/// `None` where no pool's worker runs.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let pool = mp_pool::Pool::new(2)?;
/// let ids = pool.map(|_: u32| mp_pool::worker_id(), 0..10)?;
/// assert!(ids.iter().all(|id| matches!(id, Some(0 | 1))));
/// assert_eq!(mp_pool::worker_id(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn worker_id() -> Option<usize> {
    WORKER.get().copied()
}
