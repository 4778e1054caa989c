//! What the locks have in common: a [`Lockable`] that guards two words, and what must hold of it.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use mp_handle::{Kind, Region};
use mp_sync::{Lock, LockError, RLock, Recover, RwLock};
use nix::sys::signal::{Signal, raise};

use crate::notes::Notes;
use crate::operation::{Verdict, ensure};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

/// The steps of a victim.
const TAKEN: u32 = 1;
const WRITTEN: u32 = 2;

/// How a lock is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Wait,
    Try,
    ForAWhile,
}

/// How a lock was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Free,
    Died(Option<u32>),
    Held,
}

/// What the locks have in common.
pub(super) trait Lockable: Clone + 'static {
    const NAME: &'static str;
    /// Whether the next one learns of a death.
    const TELLS: bool = true;

    fn make() -> Self;

    /// Takes it as the victim does, recovers it if need be, and calls `inside` while it has it.
    fn with(&self, how: How, inside: &mut dyn FnMut()) -> Found;

    /// The same, as the others do: one excludes the other.
    fn other(&self, inside: &mut dyn FnMut()) -> Found {
        self.with(How::Wait, inside)
    }
}

fn visit<G: Recover>(got: Result<Option<G>, LockError<G>>, inside: &mut dyn FnMut()) -> Found {
    let (guard, found) = match got {
        Ok(Some(guard)) => (guard, Found::Free),
        Ok(None) => return Found::Held,
        Err(LockError::OwnerDied(died)) => {
            let process = died.process();
            (died.recover(), Found::Died(process))
        }
        Err(error) => panic!("{error}"),
    };
    inside();
    drop(guard);
    found
}

macro_rules! lockable {
    ($lock:ident, $name:literal) => {
        impl Lockable for $lock {
            const NAME: &'static str = $name;

            fn make() -> Self {
                $lock::new().unwrap()
            }

            fn with(&self, how: How, inside: &mut dyn FnMut()) -> Found {
                match how {
                    How::Wait => visit(self.lock().map(Some), inside),
                    How::Try => visit(self.try_lock(), inside),
                    How::ForAWhile => visit(self.lock_timeout(A_WHILE), inside),
                }
            }
        }
    };
}

lockable!(Lock, "Lock");
lockable!(RLock, "RLock");

impl Lockable for RwLock {
    const NAME: &'static str = "RwLock to write";

    fn make() -> Self {
        RwLock::new().unwrap()
    }

    fn with(&self, how: How, inside: &mut dyn FnMut()) -> Found {
        match how {
            How::Wait => visit(self.write().map(Some), inside),
            How::Try => visit(self.try_write(), inside),
            How::ForAWhile => visit(self.write_timeout(A_WHILE), inside),
        }
    }
}

/// An [`RLock`] at its second depth.
#[derive(Clone)]
pub(super) struct Twice(RLock);

impl Lockable for Twice {
    const NAME: &'static str = "RLock, twice";

    fn make() -> Self {
        Twice(RLock::make())
    }

    fn with(&self, how: How, inside: &mut dyn FnMut()) -> Found {
        self.0.with(how, &mut || {
            self.0.with(how, inside);
        })
    }
}

/// An [`RwLock`] of which the victim is a reader, and the others are writers.
#[derive(Clone)]
pub(super) struct Reading(RwLock);

impl Lockable for Reading {
    const NAME: &'static str = "RwLock to read";
    const TELLS: bool = false;

    fn make() -> Self {
        Reading(RwLock::make())
    }

    fn with(&self, how: How, inside: &mut dyn FnMut()) -> Found {
        let got = match how {
            How::Wait => self.0.read().map(Some),
            How::Try => self.0.try_read(),
            How::ForAWhile => self.0.read_timeout(A_WHILE),
        };
        let Some(_guard) = got.unwrap() else { return Found::Held };
        inside();
        Found::Free
    }

    fn other(&self, inside: &mut dyn FnMut()) -> Found {
        self.0.other(inside)
    }
}

/// A lock, and two words that are the same while nobody holds it.
pub(super) struct Guarded<L> {
    pub(super) lock: L,
    words: Region,
    pub(super) partner: Option<Partner>,
}

impl<L: Lockable> Guarded<L> {
    pub(super) fn new() -> Self {
        let words = Region::create(Kind::new(1000, "words"), 0, 8).unwrap();
        Guarded { lock: L::make(), words, partner: None }
    }

    /// One that another process holds until it may go.
    pub(super) fn held() -> Self {
        let mut guarded = Self::new();
        let hold = |inside: &mut dyn FnMut()| {
            guarded.lock.other(inside);
        };
        guarded.partner = Some(Partner::holding(hold));
        guarded
    }

    /// One that another process waits for, if it is told to.
    pub(super) fn awaited(notes: &Notes) -> Self {
        let mut guarded = Self::new();
        let wait = || guarded.inspect(notes);
        guarded.partner = Some(Partner::waiting(wait));
        guarded
    }

    /// One that another process died with.
    pub(super) fn abandoned() -> Self {
        let guarded = Self::new();
        let die = || raise(Signal::SIGKILL).unwrap();
        let found = |found| Err(format!("found it {found:?}"));
        Partner::start(|| found(guarded.lock.other(&mut || die()))).join().unwrap_err();
        guarded
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        self.words.atomic_u32(offset).unwrap()
    }

    /// Takes the lock and writes, as the victim.
    pub(super) fn write(&self, how: How, notes: &Notes) -> Found {
        self.lock.with(how, &mut || {
            notes.reach(TAKEN);
            self.word(0).store(1, SeqCst);
            self.word(4).store(1, SeqCst);
            notes.reach(WRITTEN);
        })
    }

    /// Takes the lock and compares, as a survivor.
    fn inspect(&self, notes: &Notes) -> Verdict {
        let mut words = (0, 0);
        let found = self.lock.other(&mut || {
            words = (self.word(0).load(SeqCst), self.word(4).load(SeqCst));
        });
        match found {
            Found::Free => {
                let is_torn = L::TELLS && words.0 != words.1;
                ensure!(!is_torn, "half of a change, and nobody died");
                let was_held = L::TELLS && notes.reached() == TAKEN;
                ensure!(!was_held, "the victim had it, and nobody died");
            }
            Found::Died(process) => {
                ensure!(L::TELLS && !notes.is_finished(), "{process:?} died with it");
                let is_victim = process.is_none_or(|pid| pid == notes.victim());
                ensure!(is_victim, "{process:?} died with it, and not {}", notes.victim());
            }
            Found::Held => return Err("it is held".to_owned()),
        }
        Ok(())
    }

    /// Takes the lock twice: after a recovery nothing is told any more.
    pub(super) fn check(&mut self, notes: &Notes) -> Verdict {
        self.partner.take().map_or(Ok(()), |partner| partner.join())?;
        self.inspect(notes)?;
        let again = self.lock.other(&mut || ());
        ensure!(again == Found::Free, "after a recovery it is {again:?}");
        Ok(())
    }
}
