//! Options of a server that is to be started.

mod allow;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mp_handle::{Descriptor, Parcel};
use mp_process::{Func, Function, Process, catch_panic};
use mp_queue::connection::{Address, AuthKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client;
use crate::error::ManagerError;
use crate::function::Shim;
use crate::manager::Manager;
use crate::remote::{Gate, Route, random};
#[cfg(feature = "persist")]
use crate::server::Keep;
use crate::server::{Initializer, Limits, Ready, Start, serve};
use crate::stand_alone::Server;

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
    address: Option<Address>,
    key: Option<AuthKey>,
    #[cfg(feature = "rustls")]
    identity: Option<crate::tls::Identity>,
    #[cfg(feature = "persist")]
    pub(crate) keep: Option<Keep>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            name: String::from("Manager"),
            limits: Limits::default(),
            allowed: Vec::new(),
            initializer: None,
            address: None,
            key: None,
            #[cfg(feature = "rustls")]
            identity: None,
            #[cfg(feature = "persist")]
            keep: None,
        }
    }

    /// Lets other programs in, at this address: an internet address, for which there must be a
    /// [`key`](Self::key), or a path, where the system says whether it is the same user or root.
    /// Port 0 lets the system choose one, which [`Manager::address`] tells.
    ///
    /// They [connect](Manager::connect) and find what is [published](Manager::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use mp_manager::{ListProxy, Manager};
    ///
    /// mp_process::init();
    /// let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    /// let manager = Manager::builder().address(loopback).key("a long secret").start()?;
    /// let list = manager.list::<String>()?;
    /// manager.publish("words", &list)?;
    /// let address = manager.address()?.expect("one was given");
    ///
    /// // In another program:
    /// let remote = Manager::connect(address, "a long secret")?;
    /// let words: ListProxy<String> = remote.find("words")?;
    /// words.push(&"hello".into())?;
    /// # assert_eq!(list.snapshot()?, ["hello"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn address(mut self, address: impl Into<Address>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Sets the key that other programs must know, and to which the server proves that it knows
    /// it. Without an [`address`](Self::address) they find the server at a port of the loopback
    /// interface, where only programs of this machine come.
    ///
    /// Who has it may do with the server's objects what it likes, and end the server. The longer
    /// and the more random the better: [`AuthKey::random`] makes one.
    #[doc(alias = "authkey")]
    pub fn key(mut self, key: impl Into<AuthKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Names the server process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Lets nobody else read what other programs and the server say to each other: by TLS 1.3, for
    /// which the server has this certificate. The key is asked for as well. See
    /// [`Identity`](crate::tls::Identity).
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, identity: crate::tls::Identity) -> Self {
        self.identity = Some(identity);
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

    /// Sets how long a request, or an answer, may be; 256 MiB by default. A call that would take
    /// more is an error.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.limits.frame = bytes;
        self
    }

    /// Sets how long a process that connects may take to say who it is; 10 seconds by default.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake = timeout;
        self
    }

    /// Starts the server, in a process of its own.
    ///
    /// # Errors
    ///
    /// The server could not be started, or its initializer panicked.
    pub fn start(self) -> Result<Manager, ManagerError> {
        let name = self.name.clone();
        let start = self.prepare()?;
        let server = start.server;
        let process = Process::builder().name(name).daemon(true).process_group(0);
        Manager::adopt(process.spawn(serve, (start,))?, server)
    }

    /// Makes a server that this process will run itself, for programs that are nothing else.
    ///
    /// # Errors
    ///
    /// It cannot listen at its address.
    #[doc(alias = "get_server")]
    pub fn server(self) -> Result<Server, ManagerError> {
        let ready = Ready::new(self.prepare()?);
        ready.map(Server::new).map_err(|reason| ManagerError::NotStarted { reason })
    }

    fn prepare(mut self) -> Result<Start, ManagerError> {
        let gate = self.gate()?;
        let server = random().map_err(ManagerError::system("draw a random number"))?;
        let server = u128::from_ne_bytes(server);
        let listener = client::listen(server).map_err(ManagerError::system("make a socket"))?;
        let allowed = self.allowed.into_iter().map(|(name, shim)| Ok((name, shim?)));
        Ok(Start {
            server,
            listener: Descriptor::from(listener),
            limits: self.limits,
            allowed: allowed.collect::<Result<_, ManagerError>>()?,
            initializer: self.initializer.transpose()?,
            gate,
            #[cfg(feature = "persist")]
            keep: self.keep,
        })
    }

    /// Where other programs are let in, and by what key.
    fn gate(&mut self) -> Result<Option<Gate>, ManagerError> {
        let address = match (self.address.take(), &self.key) {
            (None, None) => return Ok(None),
            (None, Some(_)) => Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            (Some(address), _) => address,
        };
        let Route { address, key, .. } = Route::new(address, self.key.take())?;
        #[cfg(feature = "rustls")]
        let identity = self.identity.take();
        #[cfg(not(feature = "rustls"))]
        let identity = None;
        Ok(Some(Gate { address, key, identity }))
    }
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
