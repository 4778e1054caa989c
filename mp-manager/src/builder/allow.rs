//! Functions that other programs may call, by name.

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Builder;
use crate::error::ManagerError;
use crate::function;
use crate::method::Method;
use crate::proxies::Transaction;

impl Builder {
    /// Allows everybody to make objects by a function of this program, under a name: see
    /// [`Manager::create_named`](crate::Manager::create_named).
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

    /// Allows everybody to change values of the type `V` in dicts by a function of this program,
    /// under a name: see [`DictProxy::update_named`](crate::DictProxy::update_named).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{DictProxy, Manager};
    ///
    /// mp_process::init();
    /// let manager = Manager::builder()
    ///     .key("a long secret")
    ///     .allow_update("add", |sum: &mut u64, n: u64| {
    ///         *sum += n;
    ///         *sum
    ///     })
    ///     .start()?;
    /// let address = manager.address()?.expect("there is one");
    ///
    /// // In another program:
    /// let remote = Manager::connect(address, "a long secret")?;
    /// let hits: DictProxy<String, u64> = remote.dict()?;
    /// assert_eq!(hits.upsert_named::<_, _, u64>("home", &0, "add", (2,))?, 2);
    /// assert_eq!(hits.update_named("home", "add", (3,))?, Some(5_u64));
    /// # Ok::<(), mp_manager::ManagerError>(())
    /// ```
    pub fn allow_update<V, F, A>(mut self, name: impl Into<String>, f: F) -> Self
    where
        F: Method<V, A>,
        F::Output: Serialize,
        V: Serialize + DeserializeOwned + 'static,
        A: DeserializeOwned + 'static,
    {
        let shim = function::update::<V, F, A>(f).map_err(ManagerError::from);
        self.allowed.push((name.into(), shim));
        self
    }

    /// Allows everybody to change dicts from `K` to `V` by a function of this program, under a
    /// name: see [`DictProxy::transaction_named`](crate::DictProxy::transaction_named).
    pub fn allow_transaction<K, V, F, A>(mut self, name: impl Into<String>, f: F) -> Self
    where
        F: Method<Transaction<K, V>, A>,
        F::Output: Serialize,
        K: Serialize + DeserializeOwned + 'static,
        V: Serialize + DeserializeOwned + 'static,
        A: DeserializeOwned + 'static,
    {
        let shim = function::transaction::<K, V, F, A>(f).map_err(ManagerError::from);
        self.allowed.push((name.into(), shim));
        self
    }
}
