//! Who this process is, and who its parent is.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mp_handle::{Deadline, Post, wait_readable};

use crate::bootstrap;
use crate::wire::Start;

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

static CURRENT: OnceLock<CurrentProcess> = OnceLock::new();
static PARENT: OnceLock<ParentProcess> = OnceLock::new();

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
    CURRENT.get_or_init(|| CurrentProcess {
        name: "MainProcess".into(),
        identity: String::new(),
        daemon: false,
    })
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
    PARENT.get()
}

/// The process that started this one.
///
/// Only a detached process can see its parent end: any other is killed with it.
#[derive(Debug)]
pub struct ParentProcess {
    name: String,
    pid: u32,
    post: Post,
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
        !bootstrap::hung_up(self.post.as_fd())
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
        self.post.as_fd()
    }
}

/// Notes who this child is; returns its line to the parent.
pub(crate) fn become_child(start: &Start, post: Post) -> &'static Post {
    CURRENT.get_or_init(|| CurrentProcess {
        name: start.name.clone(),
        identity: start.identity.clone(),
        daemon: start.settings.daemon,
    });
    let parent = PARENT.get_or_init(|| ParentProcess {
        name: start.parent_name.clone(),
        pid: rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid().unsigned_abs()),
        post,
    });
    &parent.post
}

/// The line to the parent, if this is a child.
pub(crate) fn post() -> Option<&'static Post> {
    PARENT.get().map(|parent| &parent.post)
}

/// The identity of the next child of this process.
pub(crate) fn next_identity() -> String {
    static STARTED: AtomicU32 = AtomicU32::new(0);
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
