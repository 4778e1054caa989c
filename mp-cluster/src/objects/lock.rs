//! A lock between machines: an entry that goes away by itself unless its holder keeps it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use async_nats::jetstream::kv::{CreateErrorKind, Store, UpdateErrorKind};
use mp_handle::Deadline;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::bus::Bus;
use super::check_name;
use crate::error::ClusterError;

/// The only key of the store of a lock.
const KEY: &str = "holder";

/// After how long a holder that is silent has lost the lock.
const LEASE: Duration = Duration::from_secs(10);

/// How long to wait before the lock is asked for again, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(100)];

/// A lock between machines.
///
/// Who holds it keeps it for as long as it lives and the servers hear it; ten seconds after the
/// last time, another gets it. No lock of this kind can do better: a holder that stands still, and
/// goes on later, does not know at once that it has lost it. So what the lock protects is to look
/// at the [token](LockGuard::token), a number that grows with each holder, and to refuse a smaller
/// one than it has seen.
///
/// # Examples
///
/// ```
/// # if std::env::var_os("MP_CLUSTER").is_none() { return Ok(()); }
/// use mp_cluster::Lock;
///
/// let lock = Lock::open("printer")?;
/// let guard = lock.lock()?;
/// assert!(lock.try_lock()?.is_none());
/// let first = guard.token();
/// drop(guard);
/// assert!(lock.lock()?.token() > first);
/// # Ok::<(), mp_cluster::ClusterError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lock {
    name: String,
}

/// The right to what a [`Lock`] protects, until it is dropped or [lost](Self::is_held).
#[must_use = "the lock is given back when this is dropped"]
pub struct LockGuard {
    bus: Arc<Bus>,
    store: Store,
    token: u64,
    state: Arc<State>,
}

/// What a guard and the task that keeps its lease share.
#[derive(Debug)]
struct State {
    is_held: AtomicBool,
    is_over: AtomicBool,
    last: tokio::sync::Mutex<u64>,
}

impl Lock {
    /// Opens the lock of this name, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The name has other than letters, digits, `-` and `_`, or the cluster cannot be reached.
    pub fn open(name: &str) -> Result<Self, ClusterError> {
        check_name(name)?;
        let lock = Self { name: name.into() };
        lock.store()?;
        Ok(lock)
    }

    /// Waits for the lock, and takes it.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<LockGuard, ClusterError> {
        loop {
            if let Some(guard) = self.lock_until(Deadline::after(LEASE))? {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock, if nobody has it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Option<LockGuard>, ClusterError> {
        self.lock_until(Deadline::now())
    }

    /// Takes the lock; waits for it no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<LockGuard>, ClusterError> {
        self.lock_until(Deadline::after(timeout))
    }

    fn lock_until(&self, deadline: Deadline) -> Result<Option<LockGuard>, ClusterError> {
        let (bus, store) = self.store()?;
        let [mut pause, most] = PAUSES;
        loop {
            let own = store.clone();
            let token = bus.run(async move { create(&own).await })?;
            if let Some(token) = token {
                return Ok(Some(LockGuard::new(bus, store, token)));
            }
            if deadline.is_expired() {
                return Ok(None);
            }
            sleep(deadline.remaining().map_or(pause, |left| left.min(pause)));
            pause = (2 * pause).min(most);
        }
    }

    fn store(&self) -> Result<(Arc<Bus>, Store), ClusterError> {
        let bus = Bus::get()?;
        let name = format!("MP_LOCK_{}_{}", bus.link.names.build(), self.name);
        let own = Arc::clone(&bus);
        let store = bus.run(async move { own.store(&name, LEASE).await })?;
        Ok((bus, store))
    }
}

/// Makes the entry, if there is none; its revision is the token.
async fn create(store: &Store) -> Result<Option<u64>, ClusterError> {
    match store.create(KEY, "held".into()).await {
        Ok(token) => Ok(Some(token)),
        Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(ClusterError::engine("take a lock")(error)),
    }
}

impl LockGuard {
    fn new(bus: Arc<Bus>, store: Store, token: u64) -> Self {
        let last = tokio::sync::Mutex::new(token);
        let is_held = AtomicBool::new(true);
        let state = Arc::new(State { is_held, is_over: AtomicBool::new(false), last });
        bus.spawn(keep(store.clone(), Arc::clone(&state)));
        Self { bus, store, token, state }
    }

    /// A number that is larger than that of each holder before: what the lock protects refuses
    /// those who come with a smaller one.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Whether the lock is held still, as far as this process knows: not if the servers could not
    /// be reached for the length of a lease.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state.is_held.load(Ordering::Acquire)
    }
}

/// Renews the entry three times in each lease, until the guard is dropped or the entry is gone.
async fn keep(store: Store, state: Arc<State>) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let mut last = state.last.lock().await;
        if state.is_over.load(Ordering::Acquire) {
            return;
        }
        let asked = Instant::now();
        match store.update(KEY, "held".into(), *last).await {
            Ok(revision) => (*last, renewed) = (revision, asked),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => break,
            Err(_) if renewed.elapsed() >= LEASE => break,
            Err(_) => {}
        }
    }
    state.is_held.store(false, Ordering::Release);
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let (store, state) = (self.store.clone(), Arc::clone(&self.state));
        // If the servers do not hear it, the lease ends by itself.
        let _ = self.bus.run(async move {
            let last = state.last.lock().await;
            state.is_over.store(true, Ordering::Release);
            let _ = store.delete_expect_revision(KEY, Some(*last)).await;
            Ok(())
        });
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("token", &self.token)
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}
