//! Who this process is, and who its parent is.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mp_handle::{Deadline, Post, wait_readable};

use crate::bootstrap;
use crate::sys;

/// What this process knows of itself.
#[derive(Debug)]
pub struct CurrentProcess {
    name: String,
    identity: String,
    daemon: bool,
}

impl CurrentProcess {
    /// The name that the parent gave it; `MainProcess` if no process of this program started it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[doc(alias = "ident")]
    #[must_use]
    pub fn pid(&self) -> u32 {
        std::process::id()
    }

    /// Whether it was started as a daemon.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.daemon
    }
}

/// Who a process is. A forked one has that of its parent too, and adds its own.
#[derive(Debug)]
struct Person {
    current: CurrentProcess,
    parent: Option<ParentProcess>,
    forked: OnceLock<Box<Person>>,
}

impl Person {
    /// The first process of the program.
    fn first() -> Self {
        let name = String::from("MainProcess");
        let current = CurrentProcess { name, identity: String::new(), daemon: false };
        Self { current, parent: None, forked: OnceLock::new() }
    }
}

static PERSON: OnceLock<Person> = OnceLock::new();

/// The socket to the parent, if this is a child.
static LINE: OnceLock<Post> = OnceLock::new();

/// The process that has it.
static HOLDER: AtomicU32 = AtomicU32::new(0);

fn person() -> &'static Person {
    let mut person = PERSON.get_or_init(Person::first);
    while let Some(forked) = person.forked.get() {
        person = forked;
    }
    person
}

/// Describes the calling process.
///
/// # Examples
///
/// ```
/// use mp_process::{Process, current_process};
///
/// mp_process::init();
/// assert_eq!(current_process().name(), "MainProcess");
/// let child = Process::builder()
///     .name("reader")
///     .spawn(|| current_process().name().to_owned(), ())?;
/// assert_eq!(child.join()?, "reader");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn current_process() -> &'static CurrentProcess {
    &person().current
}

/// Describes the process that started this one; `None` in the first process of the program.
///
/// # Examples
///
/// ```
/// use mp_process::parent_process;
///
/// mp_process::init();
/// assert!(parent_process().is_none());
/// let seen = mp_process::spawn(|| parent_process().map(|parent| parent.pid()), ())?.join()?;
/// assert_eq!(seen, Some(std::process::id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn parent_process() -> Option<&'static ParentProcess> {
    person().parent.as_ref()
}

/// The process that started this one.
///
/// Only a detached process can see its parent end: any other is killed with it.
#[derive(Debug)]
pub struct ParentProcess {
    name: String,
    pid: u32,
    line: &'static Post,
}

impl ParentProcess {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id that it has, or had.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it still lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !bootstrap::hung_up(self.line.as_fd())
    }

    /// Waits until it ends.
    #[doc(alias = "join")]
    pub fn wait(&self) {
        wait_readable(self.sentinel(), Deadline::NEVER);
    }

    /// Waits until it ends, but no longer than `timeout`; returns whether it has ended.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        wait_readable(self.sentinel(), Deadline::after(timeout))
    }

    /// A descriptor that polls as hung up when it has ended.
    #[must_use]
    pub fn sentinel(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// Notes the socket to the parent. In a forked process it takes the place of that of its parent,
/// and the number, so that nothing holds on to the other.
pub(crate) fn hold_line(socket: OwnedFd) -> &'static Post {
    HOLDER.store(sys::own_number(), Ordering::Relaxed);
    match LINE.get() {
        Some(line) => {
            // It cannot fail: both are open.
            let _ = sys::replace(line.as_fd(), socket.as_fd());
            line
        }
        None => LINE.get_or_init(|| Post::from(socket)),
    }
}

/// Whether the line is this process's own: not so in a copy that its function has forked.
pub(crate) fn holds_line() -> bool {
    HOLDER.load(Ordering::Relaxed) == sys::own_number()
}

/// Notes who this child is.
pub(crate) fn become_child(name: &str, identity: &str, parent: &str, daemon: bool) {
    let current = CurrentProcess { name: name.into(), identity: identity.into(), daemon };
    let parent = LINE.get().map(|line| ParentProcess {
        name: parent.into(),
        pid: rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid().unsigned_abs()),
        line,
    });
    // Nobody else adds to it: a child does this before its program begins.
    let _ = person().forked.set(Box::new(Person { current, parent, forked: OnceLock::new() }));
    STARTED.store(0, Ordering::Relaxed);
}

/// The line to the parent, if this is a child.
pub(crate) fn line() -> Option<&'static Post> {
    LINE.get()
}

/// How many children this process has started.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// The identity of the next child of this process.
pub(crate) fn next_identity() -> String {
    let number = STARTED.fetch_add(1, Ordering::Relaxed) + 1;
    match current_process().identity.as_str() {
        "" => number.to_string(),
        own => format!("{own}:{number}"),
    }
}

/// The number of processors that this process may use: its affinity mask and the quota of its
/// cgroup count, not what the machine has. At least one.
///
/// # Examples
///
/// ```
/// assert!(mp_process::cpu_count() >= 1);
/// ```
#[doc(alias = "process_cpu_count")]
#[must_use]
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
