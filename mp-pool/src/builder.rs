//! Options of a pool that is to be made.

use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use mp_handle::Parcel;
use mp_process::{Context, Func, Function, catch_panic, cpu_count};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Config, Memory, Size};
use crate::equipment::Equipment;
use crate::error::PoolError;
use crate::lines::Output;
use crate::options::Options;
use crate::pool::Pool;
use crate::surroundings::{self, Surroundings};
use crate::worker::Initializer;

/// Options of a pool, from [`Pool::builder`].
///
/// # Examples
///
/// ```
/// use std::sync::OnceLock;
/// use mp_pool::Pool;
///
/// static MODEL: OnceLock<String> = OnceLock::new();
///
/// fn load(name: String) {
///     MODEL.set(format!("the model {name}")).unwrap();
/// }
///
/// mp_process::init();
/// let pool = Pool::builder().workers(2).initializer(load, ("small".to_owned(),)).build()?;
/// let used = pool.apply(|| MODEL.get().cloned(), ())?;
/// assert_eq!(used.as_deref(), Some("the model small"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing happens before `build`"]
pub struct Builder {
    deadline: Option<Duration>,
    retries: u32,
    max_tasks_per_child: Option<u64>,
    initializer: Option<Result<(Initializer, Parcel), PoolError>>,
    initializer_timeout: Option<Duration>,
    restarts: Option<usize>,
    surroundings: Surroundings,
    exit_timeout: Duration,
    pub(crate) size: Size,
    pub(crate) memory: Memory,
    pub(crate) equipment: Result<Equipment, PoolError>,
    output: Output,
    insights: bool,
}

/// What an initializer may return: nothing, or a `Result` of nothing.
pub trait Initialized {
    /// The error, as a text.
    ///
    /// # Errors
    ///
    /// The initializer returned one.
    fn initialized(self) -> Result<(), String>;
}

impl Initialized for () {
    fn initialized(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Display> Initialized for Result<(), E> {
    fn initialized(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            deadline: None,
            retries: 0,
            max_tasks_per_child: None,
            initializer: None,
            initializer_timeout: None,
            restarts: None,
            surroundings: Surroundings::default(),
            exit_timeout: Duration::from_secs(30),
            size: Size { most: cpu_count(), least: 0, idle_timeout: None },
            memory: Memory::default(),
            equipment: Ok(Equipment::default()),
            output: Output::default(),
            insights: false,
        }
    }

    /// Sets the number of workers; [`cpu_count`] by default.
    #[doc(alias = "processes")]
    pub fn workers(mut self, workers: usize) -> Self {
        self.size.most = workers;
        self
    }

    /// Has each worker call `f` with `args` before its first task. A worker whose initializer
    /// fails or panics ends; see [`restarts`](Self::restarts).
    pub fn initializer<F, A>(mut self, f: F, args: A) -> Self
    where
        F: Function<A>,
        F::Output: Initialized,
        A: Serialize + DeserializeOwned,
    {
        let wrapped = Func::bind(f, |f: F, args: Parcel| {
            let args = args.decode::<A>().map_err(|error| error.to_string())?;
            match catch_panic(|| f.call(args).initialized()) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(format!("the initializer failed: {error}")),
                Err(panic) => Err(format!("the initializer {panic}")),
            }
        });
        self.initializer = Some(match (wrapped, Parcel::encode(&args)) {
            (Ok(wrapped), Ok(args)) => Ok((wrapped, args)),
            (Err(error), _) => Err(PoolError::ForeignFunction(error)),
            (_, Err(error)) => Err(PoolError::Initializer(error)),
        });
        self
    }

    /// Sets how long a worker may take from its start until its initializer has returned, and its
    /// [state](Self::state) is made; without limit by default. It is killed then, with all that it
    /// has started; see [`restarts`](Self::restarts).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mp_pool::{Pool, TaskErrorKind};
    ///
    /// mp_process::init();
    /// let pool = Pool::builder()
    ///     .workers(1)
    ///     .restarts(1)
    ///     .initializer(std::thread::park, ())
    ///     .initializer_timeout(Duration::from_millis(100))
    ///     .build()?;
    /// let error = pool.apply(|| 7, ()).unwrap_err();
    /// assert!(matches!(error.kind, TaskErrorKind::PoolBroken { .. }));
    /// assert!(error.to_string().contains("100ms"), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn initializer_timeout(mut self, timeout: Duration) -> Self {
        self.initializer_timeout = Some(timeout);
        self
    }

    /// Sets how long a task may run, unless [`Task::deadline`](crate::Task::deadline) says
    /// otherwise; without limit by default.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets how often a task is given to another worker if its worker was lost, unless
    /// [`Task::retries`](crate::Task::retries) says otherwise; never by default.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Replaces each worker after so many tasks: for functions that leak.
    #[doc(alias = "maxtasksperchild")]
    pub fn max_tasks_per_child(mut self, tasks: u64) -> Self {
        self.max_tasks_per_child = Some(tasks);
        self
    }

    /// Sets how many workers in a row may come to nothing until the pool gives up with
    /// [`PoolBroken`](crate::TaskErrorKind::PoolBroken): that is, end before they are
    /// ready, or end by themselves before their first task. By default three more than there are
    /// workers. Workers that tasks, or kills from outside, have ended are replaced without limit.
    pub fn restarts(mut self, restarts: usize) -> Self {
        self.restarts = Some(restarts);
        self
    }

    /// Sets how workers are started: a [`StartMethod`](mp_process::StartMethod), or a
    /// [`Context`] with a fork server of its own, whose workers share what that has preloaded. As
    /// [`start_method`](mp_process::start_method) says by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::Pool;
    /// use mp_process::StartMethod;
    ///
    /// mp_process::init();
    /// let pool = Pool::builder().workers(2).start_method(StartMethod::ForkServer).build()?;
    /// assert_eq!(pool.map(|n: u32| n * n, [1, 2, 3])?, [1, 4, 9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "mp_context")]
    pub fn start_method(mut self, method: impl Into<Context>) -> Self {
        self.surroundings.start = Some(method.into());
        self
    }

    /// Sets a variable in the environment of the workers, and of all that they start. It is there
    /// before any code of the program runs in them.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.surroundings.set(name.as_ref(), value.as_ref());
        self
    }

    /// Has each worker run on one processor only: the first worker on the first of `cpus`, and so
    /// on round. Without any, these are the processors that this process may use. Threads and
    /// processes that tasks start stay there too.
    ///
    /// A worker that cannot run there ends; see [`restarts`](Self::restarts).
    #[doc(alias = "cpu_ids")]
    pub fn pin_to_cpus(mut self, cpus: impl IntoIterator<Item = usize>) -> Self {
        self.surroundings.cpus = cpus.into_iter().collect();
        if self.surroundings.cpus.is_empty() {
            self.surroundings.cpus = surroundings::own_cpus();
        }
        self
    }

    /// Sets within how many others this pool may be made; 10 by default. A task may make a pool
    /// of its own, whose workers are then within two pools. With the limit, tasks that make pools
    /// without end get an error before the system has no more processes.
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.surroundings.max_depth = depth;
        self
    }

    /// Sets how long a worker may take to exit when it is told to and has nothing to do; 30 seconds
    /// by default. It is killed then: it may be stopped, or wait for a process that it has started.
    pub fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.exit_timeout = timeout;
        self
    }

    /// Sets where that goes which workers print; [`Output::Lines`] by default.
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Has workers measure how long tasks take, for [`Pool::statistics`] and [`Pool::timeline`].
    /// That costs a look at the clock for each task, and each result is told on its own: some 40 ns
    /// a task, which only the shortest of tasks are slower for.
    pub fn insights(mut self, insights: bool) -> Self {
        self.insights = insights;
        self
    }

    /// Makes the pool, and starts its workers.
    ///
    /// # Errors
    ///
    /// A number that must not be zero is, the pool is within too many others, or a worker could
    /// not be started.
    pub fn build(self) -> Result<Pool, PoolError> {
        if self.size.most == 0 {
            return Err(PoolError::Zero { what: "the number of workers" });
        }
        if self.max_tasks_per_child == Some(0) {
            return Err(PoolError::Zero { what: "the number of tasks of a worker" });
        }
        self.surroundings.check()?;
        let config = Config {
            size: self.size,
            memory: self.memory,
            max_tasks_per_child: self.max_tasks_per_child,
            initializer: self.initializer.transpose()?,
            initializer_timeout: self.initializer_timeout,
            restarts: self.restarts.unwrap_or(self.size.most.saturating_add(3)),
            surroundings: self.surroundings,
            exit_timeout: self.exit_timeout,
            equipment: self.equipment?,
            output: self.output,
            insights: self.insights,
        };
        let (deadline, retries) = (self.deadline, self.retries);
        Pool::start(config, Options { deadline, retries, ..Options::default() })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.size.most)
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .field("max_tasks_per_child", &self.max_tasks_per_child)
            .finish_non_exhaustive()
    }
}
