//! The children of this process, and what happens to them when it ends.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::child::Child;
use crate::panic::catch_panic;
use crate::sys;

static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The process that the list belongs to: one that the user forked off inherits the list, but not
/// the children.
static OWNER: AtomicU32 = AtomicU32::new(0);

type Handler = Box<dyn FnOnce() + Send>;
static HANDLERS: Mutex<Vec<Handler>> = Mutex::new(Vec::new());

/// Both lists are whole between any two statements, so a panic elsewhere does not spoil them.
fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn add(child: &Child) {
    let mut children = lock(&CHILDREN);
    let own = sys::own_number();
    if OWNER.swap(own, Ordering::Relaxed) != own {
        // Those of the process that forked this one: to stop or join them is not for this one.
        children.clear();
    }
    children.push(child.clone());
}

pub(crate) fn remove(child: &Child) {
    lock(&CHILDREN).retain(|other| !other.is_same(child));
}

/// Takes the status of the children that have ended, so that no zombie outlives the next start,
/// and forgets them.
pub(crate) fn reap() {
    let children: Vec<Child> = lock(&CHILDREN).clone();
    for child in children {
        let _ = child.exit_status();
    }
}

/// Lists the children of this process that are alive.
///
/// # Examples
///
/// ```
/// use mp_process::active_children;
///
/// mp_process::init();
/// let child = mp_process::spawn(std::thread::park, ())?;
/// assert_eq!(active_children()[0].pid(), child.pid());
/// child.kill()?;
/// child.wait();
/// assert!(active_children().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn active_children() -> Vec<Child> {
    reap();
    lock(&CHILDREN).iter().filter(|child| !child.is_helper()).cloned().collect()
}

/// What a process has that a fork of it must not take for its own.
pub(crate) struct Family {
    children: MutexGuard<'static, Vec<Child>>,
    handlers: MutexGuard<'static, Vec<Handler>>,
}

/// Lets nobody change children and handlers, so that a fork finds both lists whole.
pub(crate) fn hold() -> Family {
    Family { children: lock(&CHILDREN), handlers: lock(&HANDLERS) }
}

impl Family {
    /// Forgets all of it, in the forked child.
    pub(crate) fn disown(mut self) {
        // They are not even dropped: what they own may be a file to remove.
        mem::take(&mut *self.handlers).into_iter().for_each(mem::forget);
        for child in mem::take(&mut *self.children) {
            child.cut_line();
        }
    }
}

/// Runs `handler` when this process ends in the ordinary way: its function has returned or
/// panicked, or `std::process::exit` was called. The last one that was registered runs first.
///
/// It is run before the children of the process are joined, and not when a signal kills the
/// process. A child's result is on its way to the parent before its handlers run.
///
/// # Examples
///
/// ```
/// fn work(path: String) {
///     mp_process::at_exit(move || std::fs::write(path, "ended").unwrap());
///     std::process::exit(0);
/// }
///
/// mp_process::init();
/// let path = std::env::temp_dir().join(format!("at-exit-{}", std::process::id()));
/// let name = path.to_str().ok_or("an odd directory")?.to_owned();
/// mp_process::spawn(work, (name,))?.wait();
/// assert_eq!(std::fs::read_to_string(&path)?, "ended");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "atexit")]
pub fn at_exit(handler: impl FnOnce() + Send + 'static) {
    join_at_exit();
    lock(&HANDLERS).push(Box::new(handler));
}

/// Makes this process run its handlers and join its children when it exits.
pub(crate) fn join_at_exit() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::Relaxed) {
        // It fails for want of memory only; the children are then killed instead of joined.
        let _ = sys::at_exit(exit_handler);
    }
}

extern "C" fn exit_handler() {
    // Unwinding must not leave a function that C calls.
    let _ = catch_panic(end);
}

/// What a process does at its end.
pub(crate) fn end() {
    // A handler may register another.
    while let Some(handler) = { lock(&HANDLERS).pop() } {
        let _ = catch_panic(handler);
    }
    if OWNER.load(Ordering::Relaxed) != sys::own_number() {
        return;
    }
    let children = mem::take(&mut *lock(&CHILDREN));
    for child in children.iter().filter(|child| child.is_daemon()) {
        let _ = child.terminate();
    }
    // A daemon that does not heed the signal is killed when this process is gone.
    let waited_for = |child: &&Child| !(child.is_daemon() || child.is_detached());
    for child in children.iter().filter(waited_for) {
        child.wait();
    }
}
