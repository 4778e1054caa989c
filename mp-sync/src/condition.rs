//! [`Condition`]: waiting, with a lock given away meanwhile, until somebody says to look again.

mod slots;

#[cfg(all(test, shuttle))]
mod model;

use std::fmt;
use std::time::Duration;

use mp_handle::{Kind, Region, RegionError, View};

use crate::error::{LockError, OwnerDied};
use crate::guard::Guard;
use crate::object::{named, travels};
use crate::outcome::Taken;
use crate::primitive::Deadline;
use slots::Slots;

/// A condition that processes and threads wait for, holding a lock before and after.
///
/// As `std`'s, it has no lock of its own: to wait takes the guard of any lock here, or of one that
/// wraps such a lock, and gives it back afterwards. All who wait at the same time should do so with
/// the same lock. An [`RLock`](crate::RLock) is given away however often the thread holds it.
///
/// **To wait may end without a notification**: look at what you wait for in a loop, as
/// [`wait_while`](Self::wait_while) does. Notifications go to those who have waited longest. A
/// waiter that is killed takes none with it: another gets it, a tenth of a second later at most.
/// (One that is killed after it has its lock again is a holder that died: who then gets
/// [`OwnerDied`] had better notify all. A process that becomes another program, by `exec`, while a
/// thread of it waits keeps that one's notification until it ends.) Up to 1,000 can wait at the
/// same time.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::{Condition, Event, Lock};
///
/// fn wait_for_news(lock: Lock, news: Condition, event: Event) {
///     let guard = lock.lock().unwrap();
///     let _guard = news.wait_while(guard, |_| !event.is_set()).unwrap();
/// }
///
/// # mp_process::init();
/// let (lock, news, event) = (Lock::new()?, Condition::new()?, Event::new()?);
/// let child = spawn(wait_for_news, (lock.clone(), news.clone(), event.clone()))?;
/// let guard = lock.lock().unwrap();
/// event.set();
/// news.notify_one();
/// drop(guard);
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `std::sync::Condvar`, CPython's `multiprocessing.Condition`.
#[derive(Clone)]
#[doc(alias = "Condvar")]
pub struct Condition {
    slots: View<Slots>,
}

impl Condition {
    const KIND: Kind = Kind::new(0x24, "condition");

    /// Creates a condition for which nobody waits.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new() -> Result<Condition, RegionError> {
        Condition::attach(Region::create(Condition::KIND, 0, Condition::len())?)
    }

    fn attach(region: Region) -> Result<Condition, RegionError> {
        region.expect(Condition::KIND, 0)?;
        Ok(Condition { slots: View::new(&region, 0)? })
    }

    fn len() -> usize {
        size_of::<Slots>()
    }

    fn region(&self) -> &Region {
        self.slots.region()
    }

    /// Gives the lock away, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    ///
    /// [`LockError::OwnerDied`] if somebody died with the lock meanwhile, with the guard inside.
    /// [`LockError::TooManyUsers`] if 1,000 wait already; then the guard is dropped.
    pub fn wait<G: Guard>(&self, guard: G) -> Result<G, LockError<G>> {
        Ok(self.wait_until(guard, Deadline::NEVER)?.0)
    }

    /// Waits up to `timeout`; tells too whether it was notified. To take the lock again may take
    /// longer than that.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mp_sync::{Condition, Lock};
    ///
    /// let (lock, condition) = (Lock::new()?, Condition::new()?);
    /// let guard = lock.lock().unwrap();
    /// let (_guard, notified) = condition.wait_timeout(guard, Duration::from_millis(1)).unwrap();
    /// assert!(!notified);
    /// # Ok::<(), mp_sync::RegionError>(())
    /// ```
    pub fn wait_timeout<G: Guard>(
        &self,
        guard: G,
        timeout: Duration,
    ) -> Result<(G, bool), LockError<G>> {
        self.wait_until(guard, Deadline::after(timeout))
    }

    /// Waits until `condition` is false; it is asked with the lock held.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    #[doc(alias = "wait_for")]
    pub fn wait_while<G: Guard>(
        &self,
        mut guard: G,
        mut condition: impl FnMut(&mut G) -> bool,
    ) -> Result<G, LockError<G>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits up to `timeout` until `condition` is false; tells too whether it was in the end.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    #[doc(alias = "wait_for")]
    pub fn wait_while_timeout<G: Guard>(
        &self,
        mut guard: G,
        timeout: Duration,
        mut condition: impl FnMut(&mut G) -> bool,
    ) -> Result<(G, bool), LockError<G>> {
        let deadline = Deadline::after(timeout);
        while condition(&mut guard) {
            let notified;
            (guard, notified) = self.wait_until(guard, deadline)?;
            if !notified {
                let ends = !condition(&mut guard);
                return Ok((guard, ends));
            }
        }
        Ok((guard, true))
    }

    fn wait_until<G: Guard>(
        &self,
        mut guard: G,
        deadline: Deadline,
    ) -> Result<(G, bool), LockError<G>> {
        let waiter = self.slots.enter().ok_or(LockError::TooManyUsers)?;
        let waited = guard.held().without(|| waiter.wait(deadline));
        waiter.leave();
        match waited? {
            (notified, Taken::Clean) => Ok((guard, notified)),
            (_, Taken::OwnerDied(process)) => {
                Err(LockError::OwnerDied(OwnerDied::new(guard, process)))
            }
        }
    }

    /// Wakes the one that has waited longest, if anybody waits.
    ///
    /// The lock may be held or not. Whoever changes what others wait for does so with the lock.
    #[doc(alias = "notify")]
    pub fn notify_one(&self) {
        self.notify_n(1);
    }

    /// Wakes the `count` that have waited longest, or all if they are fewer.
    #[doc(alias = "notify")]
    pub fn notify_n(&self, count: usize) {
        self.slots.notify(count);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.slots.notify_all();
    }
}

travels!(Condition);
named!(Condition, "condition");

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("waiting", &self.slots.waiting()).finish()
    }
}
