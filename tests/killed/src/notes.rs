//! [`Notes`]: how far a victim got, in memory that survives it.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use mp_handle::{Kind, Region};
use nix::sys::signal::{Signal, raise};

const NOTES: Kind = Kind::new(1000, "notes");

/// How often one who waits for a word looks at it.
const LOOK: Duration = Duration::from_micros(50);

/// Where the words lie.
const FINISHED: usize = 0;
const VICTIM: usize = 4;
const REACHED: usize = 8;
const READY: usize = 12;
const BEGUN: usize = 16;
const LEN: usize = 20;

/// What victim, partners and survivors of one performance write down for each other.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    region: Region,
}

impl Notes {
    pub(crate) fn new() -> Notes {
        Notes { region: Region::create(NOTES, 0, LEN).expect("no memory for notes") }
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        self.region.atomic_u32(offset).expect("a word of the notes")
    }

    /// Says that all is ready: here the counting of instructions begins, and ends at the next mark.
    pub(crate) fn mark() {
        raise(Signal::SIGSTOP).expect("a process may stop itself");
    }

    /// Acknowledges the whole operation.
    pub(crate) fn finish(&self) {
        self.word(FINISHED).store(1, SeqCst);
    }

    /// Tells whether the operation was acknowledged.
    pub(crate) fn is_finished(&self) -> bool {
        self.word(FINISHED).load(SeqCst) == 1
    }

    /// Acknowledges the steps of the operation up to the one of this number.
    pub(crate) fn reach(&self, step: u32) {
        self.word(REACHED).store(step, SeqCst);
    }

    /// Returns the number of the last step that was acknowledged, 0 if none was.
    pub(crate) fn reached(&self) -> u32 {
        self.word(REACHED).load(SeqCst)
    }

    /// Says that all is ready, in the parent of a server; returns when that is stepped through.
    pub(crate) fn prepare(&self) {
        self.word(READY).store(1, SeqCst);
        while self.word(BEGUN).load(SeqCst) == 0 {
            thread::sleep(LOOK);
        }
    }

    /// Tells whether all is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.word(READY).load(SeqCst) == 1
    }

    /// Lets the parent of a server go on.
    pub(crate) fn begin(&self) {
        self.word(BEGUN).store(1, SeqCst);
    }

    /// Says which process is to be killed.
    pub(crate) fn name_victim(&self, pid: u32) {
        self.word(VICTIM).store(pid, SeqCst);
    }

    /// Returns the number of the process that was killed.
    pub(crate) fn victim(&self) -> u32 {
        self.word(VICTIM).load(SeqCst)
    }
}
