//! [`Manager`]: the server, and the way to it.

mod create;
#[cfg(feature = "persist")]
mod durable;
mod names;
mod owner;
mod remote;

#[cfg(feature = "persist")]
pub use durable::Durability;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mp_process::{Child, Process};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::owner::Owner;
use crate::builder::Builder;
use crate::client::{self, Link};
use crate::error::ManagerError;
use crate::origin::Origin;
use crate::wire::{ANSWER_HEADER, Reader, op};

/// How long a server that lets nobody in may take to end, and with that to say why.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A server process that holds objects for others, and the way to it.
///
/// What it makes are proxies, which travel: the objects live on the server as long as a proxy of
/// them lives anywhere. A client that dies, however it does, leaves nothing behind on the server.
/// If the server dies, every call says so at once.
///
/// A manager is a handle: clones mean the same server, and it travels, so that children can make
/// objects of their own. The server ends when the process that started it drops its last clone, or
/// ends, or calls [`shutdown`](Self::shutdown).
///
/// # Examples
///
/// ```
/// use mp_manager::{DictProxy, Manager};
///
/// fn work(results: DictProxy<u32, u32>, n: u32) {
///     results.set(&n, &(n * n)).unwrap();
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let results = manager.dict()?;
/// let children = [2, 3].map(|n| mp_process::spawn(work, (results.clone(), n)));
/// for child in children {
///     child?.join()?;
/// }
/// assert_eq!(results.get_many([2, 3])?, [Some(4), Some(9)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[doc(alias = "SyncManager")]
#[doc(alias = "BaseManager")]
pub struct Manager {
    link: Arc<Link>,
    /// In the process that started the server.
    owner: Option<Arc<Owner>>,
}

/// An object on a server, as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its number, which no other object of the server ever has.
    pub id: u64,
    /// What kind of object it is; `busy` while a function works on it.
    pub kind: String,
}

impl Manager {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn start() -> Result<Self, ManagerError> {
        Self::builder().start()
    }

    /// Begins a manager with options.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Takes over the process of a server, as soon as that lets us in.
    pub(crate) fn adopt(
        mut process: Process<Result<(), String>>,
        server: u128,
    ) -> Result<Self, ManagerError> {
        let child = Child::clone(&process);
        let pid = child.pid();
        let origin = Origin::Local { server, pid };
        let link = client::adopt(&origin, || child.is_alive()).map_err(|error| {
            // It kills itself with this process at the latest.
            let ended = process.join_timeout(LAST_WORDS);
            let _ = process.kill();
            match ended {
                Some(Ok(Err(reason))) => ManagerError::NotStarted { reason },
                Some(Err(failed)) => ManagerError::NotStarted { reason: failed.to_string() },
                Some(Ok(Ok(()))) | None => error,
            }
        })?;
        let (process, pid) = (Mutex::new(process), std::process::id());
        let owner = Arc::new(Owner { process, child, link: Arc::clone(&link), pid });
        Ok(Self { link, owner: Some(owner) })
    }

    /// A manager whose server is not this process's to end.
    pub(crate) fn over(link: Arc<Link>) -> Self {
        Self { link, owner: None }
    }

    /// Describes all objects of the server, in no order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let manager = mp_manager::Manager::start()?;
    /// let list = manager.list::<u8>()?;
    /// assert_eq!(manager.objects()?[0].kind, "list");
    /// drop(list);
    /// assert_eq!(manager.objects()?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "_debug_info")]
    #[doc(alias = "_number_of_objects")]
    pub fn objects(&self) -> Result<Vec<ObjectInfo>, ManagerError> {
        let answer = self.link.ask(op::INFO, |_| {}, None)?;
        let mut fields = Reader::new(answer.get(ANSWER_HEADER..).unwrap_or_default());
        let mut objects = Vec::new();
        for _ in 0..fields.u64()? {
            objects.push(ObjectInfo { id: fields.u64()?, kind: fields.text()?.to_owned() });
        }
        Ok(objects)
    }

    /// Returns the id of the server process, on its own machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.link.origin().pid()
    }

    /// Ends the server, and waits for its end. All objects are gone then.
    pub fn shutdown(self) {
        match &self.owner {
            Some(owner) => owner.end(),
            None => self.link.shut_down(),
        }
    }
}

impl Serialize for Manager {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.link.origin().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Manager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let origin = Origin::deserialize(deserializer)?;
        let link = client::link_to(&origin).map_err(D::Error::custom)?;
        Ok(Self::over(link))
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({})", self.link.origin())
    }
}
