//! Options of a process that is to be started.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use mp_handle::clear_of_streams;
use rustix::process::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::SpawnError;
use crate::func::Function;
use crate::process::Process;
use crate::start;
use crate::sys::Source;
use crate::wire::{Settings, Task};

/// Where one of the standard streams of a process comes from, or goes to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Stdio {
    /// That of the parent.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// A pipe, whose other end is in the [`Process`].
    Piped,
    /// This descriptor: a file, a socket, the end of a pipe.
    Descriptor(OwnedFd),
}

/// What a process may use of the system at most, by `setrlimit(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of address space. What the program maps at its start counts too.
    AddressSpace,
    /// Bytes of memory that it allocates: private memory that can be written. What it shares, or
    /// maps from files, does not count.
    Data,
    /// Seconds of processor time. At the limit SIGXCPU or SIGKILL ends the process.
    CpuSeconds,
    /// One more than the highest number of a descriptor.
    OpenFiles,
    /// Bytes of a core file; 0 for none.
    Core,
}

impl Limit {
    pub(crate) fn resource(self) -> Resource {
        match self {
            Self::AddressSpace => Resource::As,
            Self::Data => Resource::Data,
            Self::CpuSeconds => Resource::Cpu,
            Self::OpenFiles => Resource::Nofile,
            Self::Core => Resource::Core,
        }
    }
}

/// Options of a process, from [`Process::builder`].
///
/// Unless told otherwise a child has the environment and the working directory of its parent, its
/// standard output and error, and `/dev/null` as standard input; no other descriptor of the
/// parent is open in it. No signal is blocked. It is joined when the parent ends, and killed when
/// the parent is killed. Only the thread that called `init` runs; when the function has returned,
/// standard output is flushed, the process exits, and threads that it has started end with it.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use mp_process::{Process, Stdio};
///
/// mp_process::init();
/// let mut child = Process::builder()
///     .name("greeter")
///     .env("WHOM", "world")
///     .stdout(Stdio::Piped)
///     .spawn(|| println!("hello, {}", std::env::var("WHOM").unwrap()), ())?;
/// let mut said = String::new();
/// child.take_stdout().ok_or("piped above")?.read_to_string(&mut said)?;
/// child.join()?;
/// assert!(said.ends_with("hello, world\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `spawn`"]
pub struct Builder {
    pub(crate) name: Option<String>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) clear_environment: bool,
    pub(crate) settings: Settings,
    pub(crate) start_timeout: Duration,
    /// `None` for that of the program.
    pub(crate) context: Option<Context>,
    pub(crate) helper: bool,
    stdio: [Stdio; 3],
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: None,
            environment: Vec::new(),
            clear_environment: false,
            settings: Settings::default(),
            start_timeout: Duration::from_secs(60),
            context: None,
            helper: false,
            stdio: [Stdio::Null, Stdio::Inherit, Stdio::Inherit],
        }
    }
}

impl Builder {
    /// Names the process, for errors and for [`current_process`](crate::current_process). The
    /// default is `Process-1`, `Process-2` and so on; `Process-2:1` is the first child of the
    /// second.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it a daemon: when this process ends in the ordinary way it sends the daemon SIGTERM,
    /// instead of waiting for it.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.settings.daemon = daemon;
        self
    }

    /// Lets it live on when this process ends or is killed, in a session of its own.
    pub fn detached(mut self, detached: bool) -> Self {
        self.settings.detached = detached;
        self
    }

    /// Sets a variable in its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, Some(value.as_ref().to_owned())));
        self
    }

    /// Leaves a variable out of its environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, None));
        self
    }

    /// Leaves all variables out of its environment, but those set with [`env`](Self::env) after
    /// this.
    pub fn env_clear(mut self) -> Self {
        self.environment.clear();
        self.clear_environment = true;
        self
    }

    /// Sets its working directory. Code before `init` runs in that of the parent.
    #[doc(alias = "cwd")]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.directory = Some(directory.into());
        self
    }

    /// Sets its standard input; `/dev/null` by default.
    pub fn stdin(mut self, stdin: Stdio) -> Self {
        self.stdio[0] = stdin;
        self
    }

    /// Sets its standard output; that of this process by default.
    pub fn stdout(mut self, stdout: Stdio) -> Self {
        self.stdio[1] = stdout;
        self
    }

    /// Sets its standard error; that of this process by default.
    pub fn stderr(mut self, stderr: Stdio) -> Self {
        self.stdio[2] = stderr;
        self
    }

    /// Makes it nicer by so much: -20 to 19, where less than 0 needs a privilege.
    pub fn nice(mut self, increment: i32) -> Self {
        self.settings.nice = Some(increment);
        self
    }

    /// Puts it into a process group; 0 stands for one of its own.
    pub fn process_group(mut self, group: i32) -> Self {
        self.settings.process_group = Some(group);
        self
    }

    /// Limits what it may use. A limit that this process has already cannot be raised.
    pub fn limit(mut self, limit: Limit, value: u64) -> Self {
        self.settings.limits.push((limit, value));
        self
    }

    /// Sets how it is started: a [`StartMethod`](crate::StartMethod), or a [`Context`] with a fork
    /// server of its own. As [`start_method`](crate::start_method) says by default.
    #[doc(alias = "get_context")]
    pub fn start_method(mut self, method: impl Into<Context>) -> Self {
        self.context = Some(method.into());
        self
    }

    /// Sets how long it may take until it reaches `init`; 60 seconds by default. Who waits for
    /// it then kills it. A fork server has as long to start and preload, or to fork; the start
    /// waits for that.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// Starts the process: see [`spawn`](crate::spawn).
    ///
    /// # Errors
    ///
    /// The process could not be started. What only the process itself can find out, such as a
    /// directory that does not exist, is a [`Failure::FailedToStart`](crate::Failure) when it is
    /// joined.
    pub fn spawn<F, A>(mut self, f: F, args: A) -> Result<Process<F::Output>, SpawnError>
    where
        F: Function<A>,
        A: Serialize + DeserializeOwned,
        F::Output: Serialize + DeserializeOwned,
    {
        let entry = start::entry::<F, A>(f)?;
        let (child, stdio) = start::start(&mut self, Task::Call(entry.offset()), &args)?;
        Ok(Process::new(child, stdio))
    }

    /// The streams for the child, and our ends of the pipes.
    pub(crate) fn open_stdio(&mut self) -> io::Result<([Source; 3], [Option<OwnedFd>; 3])> {
        let mut given = [const { Source::Parent }; 3];
        let mut kept = [const { None }; 3];
        for (i, stdio) in mem::take(&mut self.stdio).into_iter().enumerate() {
            given[i] = match stdio {
                Stdio::Inherit => Source::Parent,
                Stdio::Null => Source::Null,
                Stdio::Descriptor(fd) => Source::Descriptor(clear_of_streams(fd)?),
                Stdio::Piped => {
                    let (reader, writer) = io::pipe()?;
                    let (theirs, ours): (OwnedFd, OwnedFd) = if i == 0 {
                        (reader.into(), writer.into())
                    } else {
                        (writer.into(), reader.into())
                    };
                    kept[i] = Some(clear_of_streams(ours)?);
                    Source::Descriptor(clear_of_streams(theirs)?)
                }
            };
        }
        Ok((given, kept))
    }
}
