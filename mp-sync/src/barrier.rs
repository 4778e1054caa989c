//! [`Barrier`]: nobody goes on until all have come.

mod error;
mod result;
mod rounds;
mod words;

#[cfg(all(test, not(shuttle)))]
mod late_tests;
#[cfg(all(test, shuttle))]
mod model;

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use mp_handle::{Kind, Name, Region, RegionError, View};

use crate::object::{one_page, travels, unlinks};
use crate::primitive::{Deadline, Ordering, Robust};
use error::checked;
pub use error::{BarrierCreateError, BarrierError, BrokenBy};
pub use result::BarrierWaitResult;
use rounds::Rounds;
use words::{Rolls, Words};

/// A place where processes and threads wait for each other: as soon as a certain number of them,
/// the parties, have come, all go on, and the next round begins.
///
/// A barrier **breaks** when a round cannot end well any more: by [`abort`](Self::abort), when the
/// time of one who waits is up, when the action panics, and when a party dies. Then all who wait
/// get an error, as does everybody who comes later, until it is [`reset`](Self::reset).
///
/// Parties are the processes that wait now, and those that took part in the last round. If one of
/// them ends, however it did, it will not come again: those who wait are told within a tenth of a
/// second. (If others shall come in its place, `reset` makes the barrier forget it. A process that
/// becomes another program, by `exec`, while another of its threads waits here, has not ended.)
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::Barrier;
///
/// # mp_process::init();
/// let barrier = Barrier::new(2)?;
/// let child = spawn(|barrier: Barrier| barrier.wait().unwrap().index(), (barrier.clone(),))?;
/// let ours = barrier.wait()?.index();
/// assert_eq!(ours + child.join()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The death of a party:
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::{Barrier, BarrierError, BrokenBy};
///
/// fn die_waiting(barrier: Barrier) {
///     std::thread::spawn(move || barrier.wait());
///     loop {
///         std::thread::yield_now();
///     }
/// }
///
/// # mp_process::init();
/// let barrier = Barrier::new(3)?;
/// let child = spawn(die_waiting, (barrier.clone(),))?;
/// while barrier.n_waiting() == 0 {}
/// child.kill()?;
/// let Err(BarrierError::Broken(by)) = barrier.wait() else { panic!("the third is missing") };
/// assert_eq!(by, BrokenBy::Death { process: Some(child.pid()) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `std::sync::Barrier`, CPython's `multiprocessing.Barrier`.
#[derive(Clone)]
pub struct Barrier {
    inner: Arc<Inner>,
}

struct Inner {
    words: View<Words>,
    rolls: View<Rolls>,
    lock: Robust,
    /// At most `PARTIES_MAX`.
    parties: u32,
}

impl Barrier {
    const KIND: Kind = Kind::new(0x26, "barrier");

    /// Creates a barrier for 1 to 1,000 parties.
    ///
    /// # Errors
    ///
    /// [`BarrierCreateError::Parties`] if it is another number, and
    /// [`BarrierCreateError::Region`] if the memory, a descriptor or the mapping is not to be had.
    pub fn new(parties: u32) -> Result<Barrier, BarrierCreateError> {
        let parties = checked(parties)?;
        let region = Region::create(Barrier::KIND, 0, Barrier::len())?;
        fill(&region, parties);
        Ok(Barrier::attach(region)?)
    }

    /// Creates a barrier with a name, for programs that share nothing else. It lives until it is
    /// [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, [`Name`](RegionError::Name) if it
    /// cannot be one, and those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_sync::Barrier;
    ///
    /// let name = format!("doc-barrier-{}", std::process::id());
    /// let created = Barrier::create(&name, 2)?;
    /// let opened = Barrier::open(&name)?;
    /// assert_eq!(opened.parties(), 2);
    /// Barrier::unlink(&name)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(name: impl Into<Name>, parties: u32) -> Result<Barrier, BarrierCreateError> {
        let (name, parties) = (name.into(), checked(parties)?);
        let fill = |region: &Region| fill(region, parties);
        let region = Region::create_named(&name, Barrier::KIND, 0, Barrier::len(), fill)?;
        Ok(Barrier::attach(region)?)
    }

    /// Opens the barrier that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has the name,
    /// [`Owner`](RegionError::Owner) if it is another user's, and [`Kind`](RegionError::Kind) if
    /// it is something else.
    pub fn open(name: impl Into<Name>) -> Result<Barrier, RegionError> {
        Barrier::attach(Region::open_named(&name.into(), Barrier::KIND, 0)?)
    }

    /// Opens the barrier that has the name, whatever its number of parties, or creates it.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create), but for the two that tell
    /// whether it exists.
    pub fn open_or_create(
        name: impl Into<Name>,
        parties: u32,
    ) -> Result<Barrier, BarrierCreateError> {
        let (name, parties) = (name.into(), checked(parties)?);
        let fill = |region: &Region| fill(region, parties);
        let made = Region::open_or_create_named(&name, Barrier::KIND, 0, Barrier::len(), fill)?;
        Ok(Barrier::attach(made.0)?)
    }

    fn attach(region: Region) -> Result<Barrier, RegionError> {
        region.expect(Barrier::KIND, 0)?;
        let words: View<Words> = View::new(&region, 0)?;
        let rolls = View::new(&region, one_page())?;
        let lock = Robust::map(&region, 0)?;
        let parties = words.parties.load(Ordering::Relaxed);
        let parties = checked(parties).map_err(io::Error::other)?;
        Ok(Barrier { inner: Arc::new(Inner { words, rolls, lock, parties }) })
    }

    fn len() -> usize {
        one_page() + size_of::<Rolls>()
    }

    fn region(&self) -> &Region {
        self.inner.words.region()
    }

    fn rounds(&self) -> Rounds<'_> {
        let Inner { words, rolls, lock, parties } = &*self.inner;
        Rounds { words, rolls, lock, parties: *parties }
    }

    /// Waits until all have come.
    ///
    /// # Errors
    ///
    /// [`BarrierError::Broken`] if the barrier is broken, or breaks.
    pub fn wait(&self) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_until(Deadline::NEVER, None::<fn()>)
    }

    /// Waits up to `timeout` until all have come; if that is not long enough, the barrier breaks.
    ///
    /// # Errors
    ///
    /// [`BarrierError::TimedOut`] if the time was up, and those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_until(Deadline::after(timeout), None::<fn()>)
    }

    /// Waits until all have come; then one of them, the leader, runs the action that it has brought
    /// here, and all go on after that.
    ///
    /// If the action panics, the barrier breaks, and the leader unwinds. An action that waits at
    /// its own barrier waits for ever.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// let barrier = mp_sync::Barrier::new(1)?;
    /// let mut rounds = 0;
    /// assert!(barrier.wait_then(|| rounds += 1)?.is_leader());
    /// assert_eq!(rounds, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "action")]
    pub fn wait_then(&self, action: impl FnOnce()) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_until(Deadline::NEVER, Some(action))
    }

    /// As [`wait_then`](Self::wait_then), and waits up to `timeout`, as
    /// [`wait_timeout`](Self::wait_timeout) does. The action may take longer.
    ///
    /// # Errors
    ///
    /// Those of [`wait_timeout`](Self::wait_timeout).
    #[doc(alias = "action")]
    pub fn wait_then_timeout(
        &self,
        timeout: Duration,
        action: impl FnOnce(),
    ) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_until(Deadline::after(timeout), Some(action))
    }

    fn wait_until(
        &self,
        deadline: Deadline,
        action: Option<impl FnOnce()>,
    ) -> Result<BarrierWaitResult, BarrierError> {
        let index = self.rounds().wait(deadline, action)?;
        Ok(BarrierWaitResult::new(index, self.parties()))
    }

    /// Breaks the barrier: who waits, or comes, gets an error, until it is reset.
    pub fn abort(&self) {
        self.rounds().abort();
    }

    /// Begins anew, with a barrier that is whole and knows nobody. Those who wait get an error.
    ///
    /// # Errors
    ///
    /// [`BarrierError::System`] if the system refuses the lock inside.
    pub fn reset(&self) -> Result<(), BarrierError> {
        self.rounds().reset()
    }

    /// Tells whether the barrier is broken.
    #[must_use]
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.rounds().is_broken()
    }

    /// Returns how many wait at this moment.
    #[must_use]
    pub fn n_waiting(&self) -> u32 {
        self.rounds().waiting()
    }

    /// Returns how many have to come.
    #[must_use]
    pub fn parties(&self) -> u32 {
        self.inner.parties
    }
}

travels!(Barrier);
unlinks!(Barrier);

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("n_waiting", &self.n_waiting())
            .field("is_broken", &self.is_broken())
            .finish()
    }
}

/// Writes the first contents; the region is long enough.
fn fill(region: &Region, parties: u32) {
    if let Ok(words) = View::<Words>::new(region, 0) {
        words.parties.store(parties, Ordering::Relaxed);
    }
}
