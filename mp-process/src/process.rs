//! A function that runs in a process of its own.

use std::fmt;
use std::io::{PipeReader, PipeWriter};
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::child::Child;
use crate::error::SpawnError;
use crate::func::Function;
use crate::outcome::{ExitStatus, Failure, JoinError};

/// Starts a process that calls `f` with `args`, a tuple of up to twelve arguments.
///
/// The arguments and the result may be anything that serde can carry, and handles. `f` is a
/// function, or a closure that captures nothing.
///
/// # Errors
///
/// The process could not be started: see [`SpawnError`].
///
/// # Examples
///
/// ```
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
///
/// mp_process::init();
/// let process = mp_process::spawn(add, (1, 2))?;
/// assert_eq!(process.join()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What a closure would capture is passed as an argument instead:
///
/// ```compile_fail
/// mp_process::init();
/// let factor = 2;
/// let process = mp_process::spawn(move |n: i32| n * factor, (21,)).unwrap();
/// ```
///
/// ```
/// mp_process::init();
/// let factor = 2;
/// let process = mp_process::spawn(|n: i32, factor: i32| n * factor, (21, factor))?;
/// assert_eq!(process.join()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn spawn<F, A>(f: F, args: A) -> Result<Process<F::Output>, SpawnError>
where
    F: Function<A>,
    A: Serialize + DeserializeOwned,
    F::Output: Serialize + DeserializeOwned,
{
    Process::builder().spawn(f, args)
}

/// A process that computes an `R`.
///
/// It derefs to [`Child`], which has what does not depend on the result: `pid`, `name`,
/// `is_alive`, `wait`, `terminate`, `kill`, `send_signal`, `sentinel`, `exit_status`.
///
/// Dropping a `Process` leaves the process running, as dropping a thread's handle does: it is
/// joined when this process ends, unless it is a daemon (which is stopped then) or detached
/// (which lives on). See [`Builder`].
#[must_use = "a process that is not joined keeps its result and its failure to itself"]
pub struct Process<R> {
    child: Child,
    stdio: [Option<OwnedFd>; 3],
    result: PhantomData<fn() -> R>,
}

impl Process<()> {
    /// Prepares a process with options.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl<R: DeserializeOwned> Process<R> {
    pub(crate) fn new(child: Child, stdio: [Option<OwnedFd>; 3]) -> Self {
        Self { child, stdio, result: PhantomData }
    }

    /// Waits until the process ends, and returns what its function returned. A pipe to its
    /// standard input is closed first.
    ///
    /// A result that has arrived is never thrown away: if the process came to grief only after
    /// it, this is `Ok`, and [`exit_status`](Child::exit_status) tells of the rest.
    ///
    /// # Errors
    ///
    /// There is no result; the error says which process it was, and how it ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::Failure;
    ///
    /// fn leave() {
    ///     std::process::exit(3);
    /// }
    ///
    /// mp_process::init();
    /// let lost = mp_process::spawn(leave, ())?.join().unwrap_err();
    /// assert_eq!(*lost.failure(), Failure::Exited(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(mut self) -> Result<R, JoinError> {
        self.close_stdin();
        let status = self.child.wait();
        self.finish(status)
    }

    /// Returns what the function returned, or `None` if the process is alive. Once it has
    /// returned something, the result is taken.
    pub fn try_join(&mut self) -> Option<Result<R, JoinError>> {
        self.child.exit_status().map(|status| self.finish(status))
    }

    /// Waits as [`join`](Self::join), but no longer than `timeout`; `None` if the process is
    /// alive then. Once it has returned something, the result is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let mut sleeper = mp_process::spawn(std::thread::park, ())?;
    /// assert!(sleeper.join_timeout(Duration::from_millis(10)).is_none());
    /// sleeper.terminate()?;
    /// assert!(sleeper.join().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(&mut self, timeout: Duration) -> Option<Result<R, JoinError>> {
        self.child.wait_timeout(timeout).map(|status| self.finish(status))
    }

    pub(crate) fn finish(&self, status: ExitStatus) -> Result<R, JoinError> {
        let result = self.child.take_answer(status).and_then(|parcel| {
            parcel
                .decode()
                .map_err(|error| Failure::ResultUndecodable { reason: error.to_string() })
        });
        result.map_err(|failure| self.error(failure))
    }
}

impl<R> Process<R> {
    pub(crate) fn close_stdin(&mut self) {
        self.stdio[0] = None;
    }

    pub(crate) fn error(&self, failure: Failure) -> JoinError {
        JoinError { name: self.child.name().to_owned(), pid: self.child.pid(), failure }
    }

    /// The writing end of its standard input, if that was [piped](crate::Stdio::Piped); once.
    pub fn take_stdin(&mut self) -> Option<PipeWriter> {
        self.stdio[0].take().map(PipeWriter::from)
    }

    /// The reading end of its standard output, if that was [piped](crate::Stdio::Piped); once.
    pub fn take_stdout(&mut self) -> Option<PipeReader> {
        self.stdio[1].take().map(PipeReader::from)
    }

    /// The reading end of its standard error, if that was [piped](crate::Stdio::Piped); once.
    pub fn take_stderr(&mut self) -> Option<PipeReader> {
        self.stdio[2].take().map(PipeReader::from)
    }
}

impl<R> Deref for Process<R> {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl<R> fmt::Debug for Process<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Process");
        shown.field("name", &self.name()).field("pid", &self.pid());
        match self.exit_status() {
            None => shown.field("status", &"running"),
            Some(status) => shown.field("status", &status),
        };
        shown.finish()
    }
}
