//! How a process starts, and how all of a program do unless they are told otherwise.

use std::str::FromStr;
use std::sync::OnceLock;
use std::{env, error, fmt};

use serde::{Deserialize, Serialize};

use crate::context::Context;

/// How a process is started.
///
/// # Examples
///
/// ```
/// use mp_process::{Process, StartMethod};
///
/// mp_process::init();
/// for method in StartMethod::ALL {
///     let process = Process::builder().start_method(method).spawn(|n: u32| n * n, (12,))?;
///     assert_eq!(process.join()?, 144);
/// }
/// assert_eq!("forkserver".parse(), Ok(StartMethod::ForkServer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StartMethod {
    /// The running program is executed anew. Nothing of this process is copied.
    #[default]
    Spawn,
    /// A process of one thread, itself spawned at the first such start, is forked: see
    /// [`Context::fork_server`].
    #[doc(alias = "forkserver")]
    ForkServer,
}

impl StartMethod {
    /// All of them, the default first.
    #[doc(alias = "get_all_start_methods")]
    pub const ALL: [Self; 2] = [Self::Spawn, Self::ForkServer];

    /// Python's name for it: `spawn` or `forkserver`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::ForkServer => "forkserver",
        }
    }
}

impl fmt::Display for StartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for StartMethod {
    type Err = UnknownStartMethod;

    fn from_str(name: &str) -> Result<Self, UnknownStartMethod> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| UnknownStartMethod { name: name.to_owned() })
    }
}

/// No start method has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStartMethod {
    name: String,
}

impl fmt::Display for UnknownStartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no start method {:?}: use `spawn` or `forkserver`", self.name)
    }
}

impl error::Error for UnknownStartMethod {}

/// The context of processes that are started without one.
static DEFAULT: OnceLock<Context> = OnceLock::new();

/// Names the start method for a program that does not set one itself. What is no method's name
/// counts as not set.
const VARIABLE: &str = "MULTIPROCESS_START_METHOD";

pub(crate) fn default_context() -> &'static Context {
    DEFAULT.get_or_init(|| {
        let named = env::var(VARIABLE).ok().and_then(|name| name.parse().ok());
        Context::from(named.unwrap_or(StartMethod::Spawn))
    })
}

/// What has been settled so far, for a child to inherit.
pub(crate) fn settled_context() -> Option<&'static Context> {
    DEFAULT.get()
}

/// Takes over what was settled in the parent.
pub(crate) fn inherit_context(context: Context) {
    DEFAULT.get_or_init(|| context);
}

/// Returns how processes are started that are not told otherwise. To ask settles it.
///
/// That is what [`set_start_method`] said, here or in the process that started this one; or what
/// the environment variable `MULTIPROCESS_START_METHOD` says (`spawn` or `forkserver`); or
/// [`StartMethod::Spawn`].
///
/// # Examples
///
/// ```
/// use mp_process::{StartMethod, set_start_method, start_method};
///
/// mp_process::init();
/// set_start_method(StartMethod::ForkServer)?;
/// assert_eq!(start_method(), StartMethod::ForkServer);
/// assert_eq!(mp_process::spawn(start_method, ())?.join()?, StartMethod::ForkServer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "get_start_method")]
#[must_use]
pub fn start_method() -> StartMethod {
    default_context().method()
}

/// Sets how processes are started that are not told otherwise, and what their fork server loads
/// before: once, in `main`, before the first process is started. Children inherit it.
///
/// # Errors
///
/// It is settled already: this was called before, or [`start_method`] was, or a process was
/// started without a method of its own.
///
/// # Examples
///
/// ```
/// use mp_process::{Context, StartMethod, set_start_method};
///
/// mp_process::init();
/// set_start_method(Context::fork_server().preload(|| { /* … */ }))?;
/// let error = set_start_method(StartMethod::Spawn).unwrap_err();
/// assert_eq!(error.current(), StartMethod::ForkServer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "set_forkserver_preload")]
pub fn set_start_method(context: impl Into<Context>) -> Result<(), StartMethodSettled> {
    let refused = |_| StartMethodSettled { current: start_method() };
    DEFAULT.set(context.into()).map_err(refused)
}

/// The start method cannot be set any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartMethodSettled {
    current: StartMethod,
}

impl StartMethodSettled {
    /// What it is.
    #[must_use]
    pub fn current(&self) -> StartMethod {
        self.current
    }
}

impl fmt::Display for StartMethodSettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the start method is {} already: set it once, before a process is started",
            self.current
        )
    }
}

impl error::Error for StartMethodSettled {}
