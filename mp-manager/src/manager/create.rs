//! What can be made on a server.

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Manager;
use crate::client::{Reference, Request};
use crate::error::ManagerError;
use crate::function;
use crate::objects::Kind;
use crate::proxies::{
    ArrayProxy, BarrierProxy, ConditionProxy, DictProxy, EventProxy, JoinableQueueProxy, ListProxy,
    LockProxy, NamespaceProxy, Proxy, QueueProxy, RLockProxy, SemaphoreProxy, SetProxy, ValueProxy,
};
use crate::wire::{SERVER, op};

impl Manager {
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

    /// Makes a pool of so many worker processes of the server, and waits until it has them.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Misuse`] if they are none, or the system refuses them,
    /// [`ManagerError::OtherProgram`] if the server may be another program; see [`ManagerError`]
    /// for others.
    #[cfg(feature = "pool")]
    #[doc(alias = "Pool")]
    pub fn pool(&self, workers: usize) -> Result<crate::proxies::PoolProxy, ManagerError> {
        let reference = self.create_kind(Kind::Pool).number(workers as u64).create()?;
        crate::proxies::PoolProxy::new(reference)
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

    /// Makes an object by a function that the server [allows](crate::Builder::allow) under this
    /// name: for programs that are not of the server's own family of processes. They name `T` as
    /// they like.
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
}
