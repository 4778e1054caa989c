//! [`Proxy`]: an object of the user's own type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::function;
use crate::method::Method;
use crate::objects::custom_op as op;

/// An object of the type `T` on a manager's server, made by
/// [`Manager::create`](crate::Manager::create).
///
/// `T` never travels, so it needs none of serde's traits: functions travel to it. While one runs,
/// others that call the same object wait, and nobody else does.
///
/// # Examples
///
/// A proxy with methods is a struct around this one, which travels as well:
///
/// ```
/// use mp_manager::{Manager, ManagerError, Proxy};
/// use serde::{Deserialize, Serialize};
///
/// struct Account {
///     balance: i64,
/// }
///
/// impl Account {
///     fn new(balance: i64) -> Self {
///         Account { balance }
///     }
///
///     fn withdraw(&mut self, amount: i64) -> Result<i64, String> {
///         if amount > self.balance {
///             return Err(format!("only {} left", self.balance));
///         }
///         self.balance -= amount;
///         Ok(self.balance)
///     }
/// }
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct SharedAccount(Proxy<Account>);
///
/// impl SharedAccount {
///     fn withdraw(&self, amount: i64) -> Result<Result<i64, String>, ManagerError> {
///         self.0.call(Account::withdraw, (amount,))
///     }
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let account = SharedAccount(manager.create(Account::new, (100,))?);
/// let child = mp_process::spawn(
///     |account: SharedAccount| account.withdraw(70).unwrap(),
///     (account.clone(),),
/// )?;
/// assert_eq!(child.join()?, Ok(30));
/// assert_eq!(account.withdraw(70)?, Err("only 30 left".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Proxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(Proxy, T);

impl<T: 'static> Proxy<T> {
    /// Calls a function with the object and `args`, a tuple, on the server.
    ///
    /// If the function panics, the object is poisoned: it may be left half-done, and calls are
    /// refused until [`clear_poison`](Self::clear_poison).
    ///
    /// # Errors
    ///
    /// [`ManagerError::Panicked`] if the function did, [`ManagerError::Poisoned`] if one did
    /// before; see [`ManagerError`] for others.
    pub fn call<F, A>(&self, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned + 'static,
    {
        self.call_with(op::CALL, f, args)
    }

    /// Calls a function as [`call`](Self::call) does, also if the object is poisoned: to look at
    /// what is left, and to mend it.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), except for the poison.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{Manager, ManagerError};
    ///
    /// mp_process::init();
    /// let manager = Manager::start()?;
    /// let list = manager.create(|| vec![1, 2, 3], ())?;
    /// let take = |list: &mut Vec<i32>, at: usize| list.remove(at);
    /// assert_eq!(list.call(take, (0,))?, 1);
    /// assert!(matches!(list.call(take, (9,)), Err(ManagerError::Panicked(_))));
    /// assert!(matches!(list.call(take, (0,)), Err(ManagerError::Poisoned)));
    ///
    /// assert_eq!(list.call_poisoned(|list: &mut Vec<i32>| list.len(), ())?, 2);
    /// list.clear_poison()?;
    /// assert_eq!(list.call(take, (0,))?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_poisoned<F, A>(&self, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned + 'static,
    {
        self.call_with(op::CALL_POISONED, f, args)
    }

    fn call_with<F, A>(&self, op: u8, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request = self.reference.request(op).function(function::method::<T, F, A>(f)?)?;
        request.value(&args)?.call()?.value()
    }

    /// Takes a copy of the object, if it can be copied and can travel.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    #[doc(alias = "_getvalue")]
    pub fn snapshot(&self) -> Result<T, ManagerError>
    where
        T: Clone + Serialize + DeserializeOwned,
    {
        self.call(|object: &mut T| object.clone(), ())
    }
}

impl<T> Proxy<T> {
    /// Calls a function that the server [allows](crate::Builder::allow_method) under this name: for
    /// programs that are not of the server's own family of processes. They name `T` as they like.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NoSuchFunction`] if there is none of that name, and those of
    /// [`call`](Self::call).
    pub fn call_named<A, R>(&self, name: &str, args: A) -> Result<R, ManagerError>
    where
        A: Serialize,
        R: DeserializeOwned,
    {
        let request = self.reference.request(op::CALL).function_name(name);
        request.value(&args)?.call()?.value()
    }

    /// Tells whether a function has panicked while it worked on the object.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_poisoned(&self) -> Result<bool, ManagerError> {
        self.reference.request(op::IS_POISONED).call()?.flag()
    }

    /// Says that the object is in order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn clear_poison(&self) -> Result<(), ManagerError> {
        self.reference.request(op::CLEAR_POISON).call().map(drop)
    }
}
