//! Functions of the program that work on entries where they are, on the server.

use std::borrow::Borrow;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::Transaction;
use super::{DictProxy, present};
use crate::error::ManagerError;
use crate::function;
use crate::method::Method;
use crate::objects::dict_op as op;

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Returns the value of a key. If it is not there, it is what `f` returns, which is called on
    /// the server; nobody else sees the dict meanwhile.
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
    /// let names = manager.dict::<u32, String>()?;
    /// let make = |n: u32| format!("number {n}");
    /// assert_eq!(names.get_or_insert_with(&7, make, (7,))?, "number 7");
    /// assert_eq!(names.get_or_insert_with(&7, make, (8,))?, "number 7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_insert_with<Q, F, A>(&self, key: &Q, f: F, args: A) -> Result<V, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        F: Function<A, Output = V>,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request = self.reference.request(op::MAKE).function(function::maker::<V, F, A>(f)?)?;
        present(request.value(key)?.value(&args)?.call()?.optional()?)
    }

    /// Lets a function change the value of a key, on the server: nobody else sees or changes the
    /// dict meanwhile. Returns what the function returned, `None` if the key is not there.
    ///
    /// If the function panics, the value is as before.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Panicked`] if the function did; see [`ManagerError`] for others.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let manager = mp_manager::Manager::start()?;
    /// let lists = manager.dict::<String, Vec<u32>>()?;
    /// lists.set("numbers", &vec![1])?;
    /// let push = |list: &mut Vec<u32>, n: u32| {
    ///     list.push(n);
    ///     list.len()
    /// };
    /// assert_eq!(lists.update_with("numbers", push, (2,))?, Some(2));
    /// assert_eq!(lists.update_with("letters", push, (2,))?, None);
    /// assert_eq!(lists.get("numbers")?, Some(vec![1, 2]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_with<Q, F, A>(
        &self,
        key: &Q,
        f: F,
        args: A,
    ) -> Result<Option<F::Output>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        F: Method<V, A>,
        F::Output: Serialize + DeserializeOwned,
        V: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request =
            self.reference.request(op::UPDATE).function(function::update::<V, F, A>(f)?)?;
        request.value(key)?.value(&args)?.call()?.optional()
    }

    /// As [`update_with`](Self::update_with), and lets the function change `default` if the key is
    /// not there.
    ///
    /// # Errors
    ///
    /// As [`update_with`](Self::update_with).
    pub fn upsert_with<Q, F, A>(
        &self,
        key: &Q,
        default: &V,
        f: F,
        args: A,
    ) -> Result<F::Output, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        F: Method<V, A>,
        F::Output: Serialize + DeserializeOwned,
        V: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request =
            self.reference.request(op::UPSERT).function(function::update::<V, F, A>(f)?)?;
        present(request.value(key)?.value(default)?.value(&args)?.call()?.optional()?)
    }

    /// Removes a key if a function says so of its value, on the server; returns the value then.
    ///
    /// # Errors
    ///
    /// As [`update_with`](Self::update_with).
    pub fn pop_if<Q, F, A>(&self, key: &Q, f: F, args: A) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        F: Method<V, A, Output = bool>,
        V: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let shim = function::predicate::<V, F, A>(f)?;
        let request = self.reference.request(op::POP_IF).function(shim)?;
        request.value(key)?.value(&args)?.call()?.optional()
    }

    /// Lets a function read and change any of the entries, on the server: nobody else sees or
    /// changes the dict meanwhile. If the function panics, or says so, the dict is as before.
    ///
    /// # Errors
    ///
    /// As [`update_with`](Self::update_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{Manager, Transaction};
    ///
    /// type Accounts = Transaction<String, i64>;
    ///
    /// fn transfer(accounts: &mut Accounts, from: String, to: String, amount: i64) -> bool {
    ///     let balance = accounts.get(&from).unwrap_or(0);
    ///     if balance < amount {
    ///         return false;
    ///     }
    ///     accounts.set(&from, &(balance - amount));
    ///     let other = accounts.get(&to).unwrap_or(0);
    ///     accounts.set(&to, &(other + amount));
    ///     true
    /// }
    ///
    /// mp_process::init();
    /// let manager = Manager::start()?;
    /// let accounts = manager.dict::<String, i64>()?;
    /// accounts.set("ann", &100)?;
    /// let names = || ("ann".to_owned(), "bob".to_owned(), 70);
    /// assert!(accounts.transaction(transfer, names())?);
    /// assert!(!accounts.transaction(transfer, names())?);
    /// assert_eq!(accounts.values()?, [30, 70]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction<F, A>(&self, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<Transaction<K, V>, A>,
        F::Output: Serialize + DeserializeOwned,
        K: 'static,
        V: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let shim = function::transaction::<K, V, F, A>(f)?;
        self.reference.request(op::TRANSACT).function(shim)?.value(&args)?.call()?.value()
    }
}
