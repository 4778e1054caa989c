//! [`Claims`]: which processes work on which parts of an array, beside its lock.
//!
//! A table of claims is kept in the array's extra. A claim is written under the array's lock, its
//! range first and then the process, in one store that makes it valid; it is given back by
//! clearing the process, without the lock. A process that dies leaves its claim behind; whoever
//! wants the range next finds the process dead and clears it, under the lock.
//!
//! A peer gone mad may clear the table. So that not even then two threads of this process get the
//! same elements, its own claims are also kept in private memory. A place in the table belongs to
//! one of these until it is given back, whatever the table says.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mp_handle::{Deadline, Region, RegionError, Shared, View, futex_wait, futex_wake};
use mp_sync::Identity;
use rustix::fs::fstat;

use crate::cells::EXTRA;

/// As many parts can be in use at the same time.
const CLAIMS: usize = 80;

#[repr(C)]
struct Claim {
    /// The process, 0 if there is no claim.
    process: AtomicU64,
    start: AtomicU64,
    end: AtomicU64,
}

#[repr(C)]
struct Table {
    /// Changes whenever a claim is given back; a futex.
    changes: AtomicU32,
    /// Not 0 if somebody may wait for that.
    waiters: AtomicU32,
    /// Not 0 if there may be claims; written under the lock.
    used: AtomicU32,
    reserved: [AtomicU32; 29],
    claims: [Claim; CLAIMS],
}

#[allow(unsafe_code)]
// SAFETY: atomics without gaps, valid with any bits, repr(C).
unsafe impl Shared for Table {}

/// The claims that threads of this process have, in all arrays.
static OWN: Mutex<Vec<Own>> = Mutex::new(Vec::new());
/// How many these are.
static OWN_COUNT: AtomicUsize = AtomicUsize::new(0);

struct Own {
    /// A forked child has its parent's list, but not its parent's claims.
    process: Identity,
    file: File,
    place: usize,
    range: Range<usize>,
}

/// Device and inode, which no other open file has.
type File = (u64, u64);

/// The table of one array.
#[derive(Clone)]
pub(super) struct Claims {
    table: View<Table>,
    file: File,
}

impl Claims {
    pub(super) const SIZE: usize = size_of::<Table>();

    pub(super) fn find(region: &Region) -> Result<Claims, RegionError> {
        const { assert!(Claims::SIZE.is_multiple_of(64), "the elements behind it are aligned") };
        let stat = fstat(region.descriptor().as_fd()).map_err(io::Error::from)?;
        Ok(Claims { table: View::new(region, EXTRA)?, file: (stat.st_dev, stat.st_ino) })
    }

    /// Tells whether nobody has claimed anything, as far as two words tell. The caller holds the
    /// lock.
    #[inline]
    pub(super) fn are_none(&self) -> bool {
        self.table.used.load(Ordering::Acquire) == 0 && OWN_COUNT.load(Ordering::Acquire) == 0
    }

    /// Tells whether nobody has claimed any of the range. The caller holds the lock.
    pub(super) fn is_free(&self, range: &Range<usize>) -> bool {
        self.are_none() || self.look(range)
    }

    fn look(&self, range: &Range<usize>) -> bool {
        let in_table = self.table.claims.iter().any(|claim| claim.overlaps(range));
        let is_own = |own: &Own| self.has(own) && overlap(&own.range, range);
        !in_table && !own_claims().iter().any(is_own)
    }

    /// Tells whether a claim in the private list is one of this array, made by this process.
    fn has(&self, own: &Own) -> bool {
        own.file == self.file && own.process == Identity::current()
    }

    /// Clears the claims of dead processes in the range; returns one of these. The caller holds
    /// the lock.
    pub(super) fn bury(&self, range: &Range<usize>) -> Option<u32> {
        if self.table.used.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut dead = None;
        for claim in self.table.claims.iter().filter(|claim| claim.overlaps(range)) {
            let process = claim.process.load(Ordering::Acquire);
            let owner = Identity::from_bits(process);
            // It may be given back at any time, and its process end in peace thereafter.
            if process != 0 && owner.is_dead() && claim.clear(process) {
                dead = Some(owner.pid());
            }
        }
        let claimed = self.table.claims.iter().any(Claim::is_valid);
        self.table.used.store(u32::from(claimed), Ordering::Release);
        dead
    }

    /// Claims the range for this process; `None` if the table is full. The caller holds the lock,
    /// and has found the range free.
    pub(super) fn claim(&self, range: &Range<usize>) -> Option<usize> {
        let process = Identity::current();
        let mut own = own_claims();
        let is_ours = |place| own.iter().any(|own| self.has(own) && own.place == place);
        let is_free = |&place: &usize| !self.table.claims[place].is_valid() && !is_ours(place);
        let place = (0..CLAIMS).find(is_free)?;
        let claim = &self.table.claims[place];
        claim.start.store(range.start as u64, Ordering::Relaxed);
        claim.end.store(range.end as u64, Ordering::Relaxed);
        self.table.used.store(1, Ordering::Release);
        claim.process.store(process.to_bits(), Ordering::Release);
        own.push(Own { process, file: self.file, place, range: range.clone() });
        OWN_COUNT.fetch_add(1, Ordering::AcqRel);
        Some(place)
    }

    /// Gives a claim of this process back; in a forked child it is the parent's, and stays.
    pub(super) fn release(&self, place: usize) {
        let mut own = own_claims();
        let found = own.iter().position(|own| self.has(own) && own.place == place);
        let Some(at) = found else { return };
        own.swap_remove(at);
        OWN_COUNT.fetch_sub(1, Ordering::AcqRel);
        let claim = &self.table.claims[place];
        // Before another thread finds the place free: what it writes there must stay.
        let freed = claim.clear(Identity::current().to_bits());
        drop(own);
        if freed {
            self.table.changes.fetch_add(1, Ordering::SeqCst);
            if self.table.waiters.swap(0, Ordering::SeqCst) != 0 {
                futex_wake(&self.table.changes, u32::MAX);
            }
        }
    }

    /// Returns the number of changes, to wait for the next.
    pub(super) fn changes(&self) -> u32 {
        self.table.changes.load(Ordering::SeqCst)
    }

    /// Sleeps until a claim has been given back since `changes`, a slice at most.
    pub(super) fn wait_change(&self, changes: u32, deadline: Deadline) {
        self.table.waiters.store(1, Ordering::SeqCst);
        if self.changes() == changes {
            futex_wait(&self.table.changes, changes, deadline);
        }
    }
}

impl Claim {
    fn is_valid(&self) -> bool {
        self.process.load(Ordering::Acquire) != 0
    }

    /// Gives back what this process has; `false` if it has nothing here.
    fn clear(&self, process: u64) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        self.process.compare_exchange(process, 0, success, failure).is_ok()
    }

    fn overlaps(&self, range: &Range<usize>) -> bool {
        let place = |word: &AtomicU64| word.load(Ordering::Relaxed) as usize;
        self.is_valid() && overlap(&(place(&self.start)..place(&self.end)), range)
    }
}

/// Tells whether the ranges have a place in common; one that is empty has none.
fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

fn own_claims() -> MutexGuard<'static, Vec<Own>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}
