//! Who a process is, and whether it lives.
//!
//! A number alone does not tell: it is given to another process once its bearer is gone. Number
//! and time of birth together do.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};
use rustix::time::Timespec;

use super::fork::forget_at_fork;

/// A process of this PID namespace: its number, and when it began, in one word.
///
/// This is for building blocks that write into shared memory who holds something, and want to
/// find out later whether that process lives. A number alone is given to another process once its
/// bearer is gone.
///
/// The word of a process is at least 2^32. The time is counted in the clock ticks of
/// `/proc/PID/stat`, of which 32 bits last for more than a year; 0 stands for one that cannot be
/// read.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::Identity;
///
/// mp_process::init();
/// let child = spawn(|| Identity::current().to_bits(), ())?;
/// let process = child.pid();
/// let who = Identity::from_bits(child.join()?);
/// assert_eq!(who.pid(), process);
/// assert!(who.is_dead());
/// assert!(!Identity::current().is_dead());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(u64);

/// The identity of this process, 0 until it is asked for.
static CURRENT: AtomicU64 = AtomicU64::new(0);

/// Forgets the identity, in a forked child.
pub(super) fn forget() {
    CURRENT.store(0, Ordering::Relaxed);
}

impl Identity {
    /// Returns the identity of this process.
    #[inline]
    #[must_use]
    pub fn current() -> Identity {
        match CURRENT.load(Ordering::Relaxed) {
            0 => Identity::find_out(),
            known => Identity(known),
        }
    }

    #[cold]
    fn find_out() -> Identity {
        forget_at_fork();
        let pid = std::process::id();
        let found = Identity::new(pid, own_birth("self", pid));
        CURRENT.store(found.0, Ordering::Relaxed);
        found
    }

    fn new(pid: u32, birth: u32) -> Identity {
        Identity(u64::from(pid) << 32 | u64::from(birth))
    }

    /// Makes an identity of what lies in shared memory, whatever that is.
    #[must_use]
    pub fn from_bits(bits: u64) -> Identity {
        Identity(bits)
    }

    /// Returns the word.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the process's number.
    #[must_use]
    pub fn pid(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn birth(self) -> u32 {
        self.0 as u32
    }

    /// Tells whether the process has ended. What cannot be found out counts as alive, and a word
    /// that is no process's as dead, 0 among them.
    ///
    /// So who finds the dead by a word in which 0 stands for nobody looks whether it is 0 first,
    /// and at what it has read, not at the word once more: its owner may have given it back since.
    #[must_use]
    pub fn is_dead(self) -> bool {
        if self == Identity::current() {
            return false;
        }
        let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) else {
            return true;
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The number of a thread that is no process: "invalid" to older kernels, "no entry" to
            // newer ones.
            Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => true,
            Err(_) => self.is_reborn() || is_zombie(self.pid()),
            // A zombie has a number still, but its descriptor tells.
            Ok(pidfd) => {
                let mut ended = [PollFd::new(&pidfd, PollFlags::IN)];
                poll(&mut ended, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(1)
                    || self.is_reborn()
            }
        }
    }

    /// Tells whether the number belongs to a younger process.
    fn is_reborn(self) -> bool {
        let found = birth(&self.pid().to_string());
        self.birth() != 0 && found.is_some_and(|found| found != self.birth())
    }
}

/// Tells whether a thread of that number exists; threads of other users do too.
pub(crate) fn thread_exists(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.is_some_and(|id| test_kill_process(id) != Err(Errno::SRCH))
}

/// A thread of this process: its number, and when it began, in one word, as in [`Identity`].
///
/// The number alone would be somebody else's once its bearer has ended. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadIdentity(u64);

impl ThreadIdentity {
    pub(crate) fn current() -> ThreadIdentity {
        let id = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        let birth = own_birth("thread-self", id);
        ThreadIdentity(u64::from(id) << 32 | u64::from(birth))
    }

    pub(crate) fn from_bits(bits: u64) -> ThreadIdentity {
        ThreadIdentity(bits)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the thread's number.
    pub(crate) fn id(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Tells whether the thread is none of this process, or about to end: the kernel has then
    /// walked its list, or will without its doing. What cannot be found out counts as alive.
    pub(crate) fn is_gone(self) -> bool {
        /// `PF_EXITING` of the kernel, which it sets before it walks the list.
        const EXITING: u64 = 4;
        let birth = self.0 as u32;
        if birth == 0 {
            return !thread_exists(self.id());
        }
        match fs::read_to_string(format!("/proc/self/task/{}/stat", self.id())) {
            Ok(stat) => {
                let flags = field(&stat, 9).and_then(|flags| flags.parse::<u64>().ok());
                flags.is_some_and(|flags| flags & EXITING != 0)
                    || birth_in(&stat).is_some_and(|found| found != birth)
            }
            Err(error) => Errno::from_io_error(&error)
                .is_some_and(|errno| matches!(errno, Errno::NOENT | Errno::SRCH)),
        }
    }
}

/// Reads when the caller began, which is process or thread `id`; 0 if `/proc` does not tell.
///
/// Nor does it tell if it has other numbers, being that of another PID namespace: asked for a peer,
/// it would speak of somebody else.
fn own_birth(path: &str, id: u32) -> u32 {
    let is_own = |stat: &String| stat.split(' ').next() == Some(id.to_string().as_str());
    stat(path).filter(is_own).and_then(|stat| birth_in(&stat)).unwrap_or(0)
}

/// Reads when a process began.
fn birth(process: &str) -> Option<u32> {
    birth_in(&stat(process)?)
}

fn is_zombie(pid: u32) -> bool {
    let stat = stat(&pid.to_string());
    stat.is_some_and(|stat| matches!(field(&stat, 3), Some("Z" | "X")))
}

fn stat(process: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/stat")).ok()
}

fn birth_in(stat: &str) -> Option<u32> {
    // The low bits are enough.
    field(stat, 22)?.parse::<u64>().ok().map(|ticks| ticks as u32)
}

/// Returns a field of `/proc/PID/stat`, counted from 1 as in `proc(5)`, beginning with the third.
fn field(stat: &str, number: usize) -> Option<&str> {
    // The second is the program's name in brackets, which may contain anything.
    let rest = stat.rsplit_once(')')?.1;
    rest.split_ascii_whitespace().nth(number - 3)
}
