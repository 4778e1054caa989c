//! [`Manager`]: the server, and what can be made on it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mp_process::{Child, Function, Process};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::builder::Builder;
use crate::client::{self, Link, Reference, Request};
use crate::error::ManagerError;
use crate::function;
use crate::objects::Kind;
use crate::origin::Origin;
use crate::proxies::{
    ArrayProxy, BarrierProxy, ConditionProxy, DictProxy, EventProxy, JoinableQueueProxy, ListProxy,
    LockProxy, NamespaceProxy, Proxy, QueueProxy, RLockProxy, SemaphoreProxy, SetProxy, ValueProxy,
};
use crate::wire::{ANSWER_HEADER, Reader, SERVER, op};

/// How long a server may take to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(1);

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

/// The server process. Dropping it ends the server.
struct Owner {
    process: Mutex<Process<Result<(), String>>>,
    child: Child,
    link: Arc<Link>,
    pid: u32,
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
            let ended = process.join_timeout(PATIENCE);
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

    fn create_kind(&self, kind: Kind) -> Request<'_> {
        Request::new(&self.link, SERVER, op::CREATE).byte(kind as u8)
    }

    /// Makes an empty dict.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn dict<K, V>(&self) -> Result<DictProxy<K, V>, ManagerError> {
        self.create_kind(Kind::Dict).create().map(DictProxy::new)
    }

    /// Makes an empty list.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn list<T>(&self) -> Result<ListProxy<T>, ManagerError> {
        self.create_kind(Kind::List).create().map(ListProxy::new)
    }

    /// Makes an empty set.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn set<T>(&self) -> Result<SetProxy<T>, ManagerError> {
        self.create_kind(Kind::Dict).create().map(SetProxy::new)
    }

    /// Makes an empty namespace.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Namespace")]
    pub fn namespace(&self) -> Result<NamespaceProxy, ManagerError> {
        self.create_kind(Kind::Dict).create().map(NamespaceProxy::new)
    }

    /// Makes a single value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Value")]
    pub fn value<T>(&self, value: &T) -> Result<ValueProxy<T>, ManagerError>
    where
        T: Serialize + DeserializeOwned,
    {
        let proxy = ValueProxy::new(self.create_kind(Kind::Dict).create()?);
        proxy.set(value)?;
        Ok(proxy)
    }

    /// Makes an array of values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Array")]
    pub fn array<T>(
        &self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<ArrayProxy<T>, ManagerError>
    where
        T: Serialize + DeserializeOwned,
    {
        let reference = self.create_kind(Kind::List).create()?;
        ListProxy::new(reference.clone()).extend(values)?;
        Ok(ArrayProxy::new(reference))
    }

    /// Makes a queue of at most `max_len` values; 0 stands for as many as memory allows.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Queue")]
    pub fn queue<T>(&self, max_len: usize) -> Result<QueueProxy<T>, ManagerError> {
        self.create_queue(max_len).map(QueueProxy::new)
    }

    /// Makes a queue that can be waited for until all is done, of at most `max_len` values; 0
    /// stands for as many as memory allows.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "JoinableQueue")]
    pub fn joinable_queue<T>(&self, max_len: usize) -> Result<JoinableQueueProxy<T>, ManagerError> {
        self.create_queue(max_len).map(JoinableQueueProxy::new)
    }

    fn create_queue(&self, max_len: usize) -> Result<Reference, ManagerError> {
        let bound = if max_len == 0 { u64::MAX } else { max_len as u64 };
        self.create_kind(Kind::Queue).number(bound).create()
    }

    /// Makes a lock.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Lock")]
    pub fn lock(&self) -> Result<LockProxy, ManagerError> {
        self.create_permits(1, 1).map(LockProxy::new)
    }

    /// Makes a lock that its holder may take several times.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "RLock")]
    pub fn rlock(&self) -> Result<RLockProxy, ManagerError> {
        self.create_kind(Kind::Monitor).create().map(RLockProxy::new)
    }

    /// Makes a condition, with a lock of its own.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Condition")]
    pub fn condition(&self) -> Result<ConditionProxy, ManagerError> {
        self.create_kind(Kind::Monitor).create().map(ConditionProxy::new)
    }

    /// Makes a semaphore of so many permits, to which others can be added.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Semaphore")]
    pub fn semaphore(&self, permits: u64) -> Result<SemaphoreProxy, ManagerError> {
        self.create_permits(permits, u64::MAX).map(SemaphoreProxy::new)
    }

    /// Makes a semaphore of so many permits, and never more.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "BoundedSemaphore")]
    pub fn bounded_semaphore(&self, permits: u64) -> Result<SemaphoreProxy, ManagerError> {
        self.create_permits(permits, permits).map(SemaphoreProxy::new)
    }

    fn create_permits(&self, free: u64, bound: u64) -> Result<Reference, ManagerError> {
        self.create_kind(Kind::Semaphore).number(free).number(bound).create()
    }

    /// Makes an event.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Event")]
    pub fn event(&self) -> Result<EventProxy, ManagerError> {
        self.create_kind(Kind::Event).create().map(EventProxy::new)
    }

    /// Makes a barrier for so many; at least one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "Barrier")]
    pub fn barrier(&self, parties: usize) -> Result<BarrierProxy, ManagerError> {
        self.create_kind(Kind::Barrier).number(parties as u64).create().map(BarrierProxy::new)
    }

    /// Makes an object of any type: what `f` returns, which is called on the server with `args`, a
    /// tuple. See [`Proxy`].
    ///
    /// # Errors
    ///
    /// [`ManagerError::Panicked`] if the function did; see [`ManagerError`] for others.
    pub fn create<F, A>(&self, f: F, args: A) -> Result<Proxy<F::Output>, ManagerError>
    where
        F: Function<A>,
        F::Output: Send + 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request = self.create_kind(Kind::Custom).function(function::constructor::<F, A>(f)?)?;
        request.value(&args)?.create().map(Proxy::new)
    }

    /// Makes an object by a function that the server [allows](Builder::allow) under this name: for
    /// programs that are not of the server's own family of processes. They name `T` as they like.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NoSuchFunction`] if there is none of that name, and those of
    /// [`create`](Self::create).
    pub fn create_named<T, A>(&self, name: &str, args: A) -> Result<Proxy<T>, ManagerError>
    where
        A: Serialize,
    {
        let request = self.create_kind(Kind::Custom).function_name(name);
        request.value(&args)?.create().map(Proxy::new)
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

    /// Returns the id of the server process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match self.link.origin() {
            Origin::Local { pid, .. } => *pid,
        }
    }

    /// Ends the server, and waits for its end. All objects are gone then.
    pub fn shutdown(self) {
        match &self.owner {
            Some(owner) => owner.end(),
            None => self.link.shut_down(),
        }
    }
}

impl Owner {
    fn end(&self) {
        self.link.shut_down();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.join_timeout(PATIENCE).is_none() {
            // It is not this process's any more, or gone already.
            let _ = self.child.kill();
            self.child.wait();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            self.end();
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
        Ok(Self { link, owner: None })
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({})", self.link.origin())
    }
}
