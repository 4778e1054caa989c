//! Options of a server that is to be started.

use std::fmt;
use std::time::Duration;

use mp_handle::{Descriptor, Parcel};
use mp_process::{Func, Function, Process, catch_panic};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client;
use crate::error::ManagerError;
use crate::function::{self, Shim};
use crate::manager::Manager;
use crate::method::Method;
use crate::server::{Initializer, Limits, Start, serve};

/// Options of a manager, from [`Manager::builder`].
///
/// # Examples
///
/// ```
/// use mp_manager::Manager;
///
/// mp_process::init();
/// let manager = Manager::builder().max_objects(1).start()?;
/// let first = manager.list::<u8>()?;
/// assert!(manager.list::<u8>().is_err());
/// # drop(first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    name: String,
    limits: Limits,
    /// What cannot be done is said when the server is to start.
    allowed: Vec<(String, Result<Shim, ManagerError>)>,
    initializer: Option<Result<(Initializer, Vec<u8>), ManagerError>>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            name: String::from("Manager"),
            limits: Limits::default(),
            allowed: Vec::new(),
            initializer: None,
        }
    }

    /// Names the server process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Has the server call `f` with `args`, a tuple, before it serves anybody.
    pub fn initializer<F, A>(mut self, f: F, args: A) -> Self
    where
        F: Function<A, Output = ()>,
        A: Serialize + DeserializeOwned,
    {
        let wrapped = Func::bind(f, |f: F, args: Vec<u8>| {
            let args = Parcel::from_parts(args, Vec::new()).decode::<A>();
            let args = args.map_err(|error| error.to_string())?;
            catch_panic(|| f.call(args)).map_err(|panic| format!("the initializer {panic}"))
        });
        self.initializer = Some(match (wrapped, Parcel::encode(&args)) {
            (Ok(wrapped), Ok(args)) => Ok((wrapped, args.into_parts().0)),
            (Err(error), _) => Err(error.into()),
            (_, Err(error)) => Err(ManagerError::Encode(error)),
        });
        self
    }

    /// Allows everybody to make objects by a function of this program, under a name: see
    /// [`Manager::create_named`].
    #[doc(alias = "register")]
    pub fn allow<F, A>(mut self, name: impl Into<String>, f: F) -> Self
    where
        F: Function<A>,
        F::Output: Send + 'static,
        A: DeserializeOwned + 'static,
    {
        let shim = function::constructor::<F, A>(f).map_err(ManagerError::from);
        self.allowed.push((name.into(), shim));
        self
    }

    /// Allows everybody to call a function of this program with objects of the type `T`, under a
    /// name: see [`Proxy::call_named`](crate::Proxy::call_named).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{Manager, Proxy};
    ///
    /// mp_process::init();
    /// let manager = Manager::builder()
    ///     .allow("counter", |start: u64| start)
    ///     .allow_method("add", |count: &mut u64, n: u64| {
    ///         *count += n;
    ///         *count
    ///     })
    ///     .start()?;
    /// let counter: Proxy<u64> = manager.create_named("counter", (40,))?;
    /// assert_eq!(counter.call_named::<_, u64>("add", (2,))?, 42);
    /// assert!(counter.call_named::<_, u64>("subtract", (2,)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "register")]
    pub fn allow_method<T, F, A>(mut self, name: impl Into<String>, f: F) -> Self
    where
        F: Method<T, A>,
        F::Output: Serialize,
        T: 'static,
        A: DeserializeOwned + 'static,
    {
        let shim = function::method::<T, F, A>(f).map_err(ManagerError::from);
        self.allowed.push((name.into(), shim));
        self
    }

    /// Sets how many processes may be connected; 4096 by default. Others wait at the door.
    pub fn max_clients(mut self, clients: usize) -> Self {
        self.limits.clients = clients;
        self
    }

    /// Sets how many objects there may be; 16 million by default.
    pub fn max_objects(mut self, objects: usize) -> Self {
        self.limits.objects = objects;
        self
    }

    /// Sets how many bytes the values in dicts and lists may have together; without limit by
    /// default. Objects of your own types are not counted.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Sets how long a request, or an answer, may be; 256 MiB by default. Who sends more is sent
    /// off.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.limits.frame = bytes;
        self
    }

    /// Sets how long a process that connects may take to say who it is; 10 seconds by default.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake = timeout;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// The server could not be started, or its initializer panicked.
    pub fn start(self) -> Result<Manager, ManagerError> {
        let server = u128::from_ne_bytes(random()?);
        let listener = client::listen(server).map_err(ManagerError::system("make a socket"))?;
        let allowed = self.allowed.into_iter().map(|(name, shim)| Ok((name, shim?)));
        let start = Start {
            server,
            listener: Descriptor::from(listener),
            limits: self.limits,
            allowed: allowed.collect::<Result<_, ManagerError>>()?,
            initializer: self.initializer.transpose()?,
        };
        let process = Process::builder().name(self.name).daemon(true).process_group(0);
        Manager::adopt(process.spawn(serve, (start,))?, server)
    }
}

fn random() -> Result<[u8; 16], ManagerError> {
    let mut bytes = [0; 16];
    // The system gives up to 256 bytes whole, once it has started.
    rustix::io::retry_on_intr(|| getrandom(&mut bytes, GetRandomFlags::empty()))
        .map_err(ManagerError::system("draw a random number"))?;
    Ok(bytes)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.allowed.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("allowed", &names)
            .finish_non_exhaustive()
    }
}
