//! The main guard: where a child leaves the path of its parent.

use std::cell::Cell;
use std::ffi::OsString;
use std::sync::{Once, OnceLock};

use crate::{bootstrap, registry};

/// Makes this program one that can start processes. Call it first in `main`.
///
/// A child is this same program, started anew. In a child `init` does not return: it runs the
/// child's function and exits. **Code after `init` never runs in a child; code before it runs in
/// each of them**, so there should be none. Until it is called, starting a process is an error.
///
/// It must be called before the program has threads. In the first process it does nothing but
/// note, by `atexit(3)`, that children are to be joined when the program ends.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let sum = mp_process::spawn(|a: u8, b: u8| a + b, (1, 2))?.join()?;
/// assert_eq!(sum, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "freeze_support")]
pub fn init() {
    init_with(|| {});
}

/// As [`init`], and runs `setup` first: here, and in every child before its function. It is the
/// place for what children need too, such as a logger. It cannot start processes.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static LEVEL: AtomicU32 = AtomicU32::new(0);
///
/// mp_process::init_with(|| LEVEL.store(3, Ordering::Relaxed));
/// let level = mp_process::spawn(|| LEVEL.load(Ordering::Relaxed), ())?.join()?;
/// assert_eq!(level, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn init_with(setup: fn()) {
    enter(None, setup);
}

/// What [`init`] is to a `main` that libtest has written: [`test`](crate::test) puts it into each
/// test. A child is the test binary, told to run this one test.
///
/// `module` is what `module_path!()` says in the test, and `name` the name of its function.
pub fn init_test(module: &str, name: &str) {
    init_test_with(module, name, || {});
}

/// As [`init_test`], with a setup as in [`init_with`].
pub fn init_test_with(module: &str, name: &str, setup: fn()) {
    // libtest's names leave out the crate.
    let path = match module.split_once("::") {
        Some((_crate, rest)) => format!("{rest}::{name}"),
        None => name.to_owned(),
    };
    enter(Some(path), setup);
}

/// How children of this process get to `init`.
#[derive(Debug)]
pub(crate) struct Mode {
    test: Option<String>,
}

static MODE: OnceLock<Mode> = OnceLock::new();

/// `None` before `init`.
pub(crate) fn mode() -> Option<&'static Mode> {
    MODE.get()
}

impl Mode {
    pub(crate) fn is_test(&self) -> bool {
        self.test.is_some()
    }

    /// The command line of a child: that of this process, or one that makes libtest run one test.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut own = std::env::args_os();
        match &self.test {
            None => own.collect(),
            Some(test) => {
                let options = ["--exact", "--include-ignored", "--nocapture", "--test-threads=1"];
                let program = own.next().into_iter();
                program.chain([test.into()]).chain(options.map(OsString::from)).collect()
            }
        }
    }
}

static SETUP: Once = Once::new();

thread_local! {
    /// This thread runs the setup.
    static IN_SETUP: Cell<bool> = const { Cell::new(false) };
}

fn enter(test: Option<String>, setup: fn()) {
    if IN_SETUP.get() {
        // The setup itself calls `init`: that is under way.
        return;
    }
    if MODE.get().is_none() {
        let mode = Mode { test };
        if let Some(socket) = bootstrap::parents_socket() {
            // libtest runs a test in a second thread, for whose end the first one waits.
            let threads = if mode.is_test() { 2 } else { 1 };
            bootstrap::run_child(socket, threads, || {
                set_up(setup);
                let _ = MODE.set(mode);
            });
        }
        registry::join_at_exit();
        // Before the mode is known, no process can be started: a setup that did so would do it
        // in each child again.
        set_up(setup);
        // Two tests of one binary may come here at once: any of them will do.
        let _ = MODE.set(mode);
    }
    set_up(setup);
}

/// Runs `setup` if none has been run before.
fn set_up(setup: fn()) {
    SETUP.call_once(|| {
        IN_SETUP.set(true);
        setup();
        IN_SETUP.set(false);
    });
}
