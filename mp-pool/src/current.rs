//! What a task can ask about itself, and about the worker that it runs in.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::orders::Limits;
use crate::protocol::now;

static WORKER: OnceLock<usize> = OnceLock::new();

/// When the task began, and its limits: any thread of the worker may ask.
static STARTED: AtomicU64 = AtomicU64::new(0);
static SOFT: AtomicU64 = AtomicU64::new(0);
static HARD: AtomicU64 = AtomicU64::new(0);

/// Notes that this process is a worker.
pub(crate) fn become_worker(id: usize) {
    WORKER.get_or_init(|| id);
}

/// Notes the limits of the tasks that come now.
pub(crate) fn set_limits(limits: Limits) {
    SOFT.store(limits.soft, Ordering::Relaxed);
    HARD.store(limits.hard, Ordering::Relaxed);
}

/// Notes when a task begins.
pub(crate) fn begin(now: u64) {
    STARTED.store(now, Ordering::Relaxed);
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

/// How long the task that runs in this worker may take still: until its
/// [soft deadline](crate::Task::soft_deadline), or its [deadline](crate::Task::deadline) if it has
/// no other. Zero if the time is over, `None` if the task is not limited, or there is none.
///
/// # Examples
///
/// A task that makes the most of its time:
///
/// ```
/// use std::time::Duration;
///
/// fn approximate(mut x: f64) -> f64 {
///     while mp_pool::time_left().is_some_and(|left| !left.is_zero()) {
///         x = (x + 2.0 / x) / 2.0;
///     }
///     x
/// }
///
/// mp_process::init();
/// let pool = mp_pool::Pool::new(1)?;
/// let root = pool.task(approximate).soft_deadline(Duration::from_millis(100)).apply((1.0,))?;
/// assert!((root - 2.0_f64.sqrt()).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn time_left() -> Option<Duration> {
    let limit = match (SOFT.load(Ordering::Relaxed), HARD.load(Ordering::Relaxed)) {
        (0, 0) => return None,
        (0, hard) => hard,
        (soft, _) => soft,
    };
    Some(Duration::from_nanos(limit.saturating_sub(ran())))
}

/// When the time of the task that runs in this worker is over; see [`time_left`].
#[must_use]
pub fn deadline() -> Option<Instant> {
    Instant::now().checked_add(time_left()?)
}

/// Whether the task that runs in this worker has a [soft deadline](crate::Task::soft_deadline),
/// and that has come.
#[doc(alias = "SoftTimeLimitExceeded")]
#[must_use]
pub fn is_over_soft_limit() -> bool {
    let soft = SOFT.load(Ordering::Relaxed);
    soft != 0 && ran() >= soft
}

fn ran() -> u64 {
    now().saturating_sub(STARTED.load(Ordering::Relaxed))
}
