//! [`DictProxy`]: a dict that a manager serves.

use std::borrow::Borrow;
use std::time::Duration;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::pages::Page;
use super::{Marker, Pages, Transaction, Watch, proxy};
use crate::client::{Reference, Request};
use crate::error::ManagerError;
use crate::function;
use crate::method::Method;
use crate::objects::dict_op as op;

/// A dict on a manager's server, in the order of insertion.
///
/// Each call is atomic: whoever else calls meanwhile does so before or after. Keys are equal if
/// their encoded bytes are, so a key must not contain what has no order of its own, such as a
/// `HashSet`. Values are copies: to change one in its place, use [`update_with`](Self::update_with),
/// or make it a proxy of another object.
///
/// # Examples
///
/// ```
/// use mp_manager::{DictProxy, Manager};
///
/// fn count(words: DictProxy<String, u32>, text: &str) {
///     for word in text.split(' ') {
///         words.upsert_with(word, &0, |n: &mut u32| *n += 1, ()).unwrap();
///     }
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let words = manager.dict()?;
/// let children = [(); 2].map(|()| {
///     mp_process::spawn(|words| count(words, "to be or not to be"), (words.clone(),))
/// });
/// for child in children {
///     child?.join()?;
/// }
/// assert_eq!(words.get("be")?, Some(4));
/// assert_eq!(words.len()?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DictProxy<K, V> {
    pub(super) reference: Reference,
    marker: Marker<(K, V)>,
}

proxy!(DictProxy, K, V);

impl<K, V> DictProxy<K, V> {
    /// Returns the number of entries.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.reference.request(op::LEN).call()?.len()
    }

    /// Tells whether there is no entry.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Removes all entries.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.reference.request(op::CLEAR).call().map(drop)
    }
}

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Returns the value of a key.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.reference.request(op::GET).value(key)?.call()?.optional()
    }

    /// Returns the values of several keys, in one call.
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
    /// let squares = manager.dict::<u32, u32>()?;
    /// squares.extend((0..1000).map(|n| (n, n * n)))?;
    /// assert_eq!(squares.get_many(&[3, 5000])?, [Some(9), None]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many<Q>(
        &self,
        keys: impl IntoIterator<Item = impl Borrow<Q>>,
    ) -> Result<Vec<Option<V>>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize,
    {
        let (request, count) = self.with_keys(op::GET_MANY, keys)?;
        let mut answer = request.call()?;
        (0..count).map(|_| answer.optional()).collect()
    }

    /// Tells whether a key is there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__contains__")]
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.reference.request(op::CONTAINS).value(key)?.call()?.flag()
    }

    /// Sets the value of a key. A new key is the last one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__setitem__")]
    pub fn set<Q>(&self, key: &Q, value: &V) -> Result<(), ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.reference.request(op::SET).value(key)?.value(value)?.call().map(drop)
    }

    /// Sets the value of a key, and returns the old one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn insert<Q>(&self, key: &Q, value: &V) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.reference.request(op::INSERT).value(key)?.value(value)?.call()?.optional()
    }

    /// Sets many values, in one call: all of them, or none if there is an error.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "update")]
    pub fn extend<Q, W>(
        &self,
        entries: impl IntoIterator<Item = (Q, W)>,
    ) -> Result<(), ManagerError>
    where
        Q: Borrow<K>,
        W: Borrow<V>,
    {
        self.with_entries(op::EXTEND, entries)?.call().map(drop)
    }

    /// Removes a key, and returns its value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "pop")]
    #[doc(alias = "__delitem__")]
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.reference.request(op::REMOVE).value(key)?.call()?.optional()
    }

    /// Removes several keys, in one call; returns how many of them were there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn remove_many<Q>(
        &self,
        keys: impl IntoIterator<Item = impl Borrow<Q>>,
    ) -> Result<usize, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize,
    {
        self.with_keys(op::REMOVE_MANY, keys)?.0.call()?.len()
    }

    /// Removes all keys but these, in one call; returns how many were removed.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn retain_many<Q>(
        &self,
        keys: impl IntoIterator<Item = impl Borrow<Q>>,
    ) -> Result<usize, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize,
    {
        self.with_keys(op::RETAIN_MANY, keys)?.0.call()?.len()
    }

    /// Removes the entry that was inserted last, and returns it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "popitem")]
    pub fn pop_last(&self) -> Result<Option<(K, V)>, ManagerError> {
        self.pop(op::POP_LAST)
    }

    /// Removes the entry that was inserted first, and returns it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn pop_first(&self) -> Result<Option<(K, V)>, ManagerError> {
        self.pop(op::POP_FIRST)
    }

    fn pop(&self, op: u8) -> Result<Option<(K, V)>, ManagerError> {
        let mut answer = self.reference.request(op).call()?;
        if answer.flag()? { Ok(Some((answer.value()?, answer.value()?))) } else { Ok(None) }
    }

    /// Returns the value of a key, after setting it if it was not there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "setdefault")]
    pub fn get_or_insert<Q>(&self, key: &Q, value: &V) -> Result<V, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let request = self.reference.request(op::GET_OR_INSERT).value(key)?.value(value)?;
        present(request.call()?.optional()?)
    }

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

    /// Sets the value of a key to `new` if it is `expected` now; `None` stands for a key that is
    /// not there. Returns whether it was. Values are equal if their encoded bytes are.
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
    /// let owners = manager.dict::<String, u32>()?;
    /// assert!(owners.compare_and_set("job", None, Some(&1))?);
    /// assert!(!owners.compare_and_set("job", None, Some(&2))?);
    /// assert!(owners.compare_and_set("job", Some(&1), None)?);
    /// assert!(owners.is_empty()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "compare_exchange")]
    pub fn compare_and_set<Q>(
        &self,
        key: &Q,
        expected: Option<&V>,
        new: Option<&V>,
    ) -> Result<bool, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let request = self.reference.request(op::COMPARE_AND_SET).value(key)?;
        request.optional(expected)?.optional(new)?.call()?.flag()
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

    /// Returns all keys, in order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.whole(op::KEYS)?.values()
    }

    /// Returns all values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn values(&self) -> Result<Vec<V>, ManagerError> {
        self.whole(op::VALUES)?.values()
    }

    /// Returns a copy of all entries, in order, as they are at one moment.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`]; [`ManagerError::Limit`] if they are too many for one answer:
    /// [`iter`](Self::iter) fetches them bit by bit.
    #[doc(alias = "items")]
    #[doc(alias = "copy")]
    #[doc(alias = "_getvalue")]
    pub fn snapshot(&self) -> Result<Vec<(K, V)>, ManagerError> {
        let mut answer = self.whole(op::KEYS | op::VALUES)?;
        let mut entries = Vec::new();
        while answer.flag()? {
            entries.push((answer.value()?, answer.value()?));
        }
        Ok(entries)
    }

    fn whole(&self, parts: u8) -> Result<crate::client::Answer<'_>, ManagerError> {
        self.reference.request(op::PAGE).byte(parts).byte(1).number(0).call()
    }

    /// Goes through all entries, in order, and fetches many at a time.
    pub fn iter(&self) -> Pages<(K, V)> {
        let reference = self.reference.clone();
        Pages::new(move |place| {
            let request = reference.request(op::PAGE);
            let request = request.byte(op::KEYS | op::VALUES).byte(0).number(place);
            let mut answer = request.call()?;
            let mut entries = Vec::new();
            while answer.flag()? {
                entries.push((answer.value()?, answer.value()?));
            }
            let (has_more, place) = (answer.flag()?, answer.number()?);
            Ok::<Page<_>, _>((entries, has_more.then_some(place)))
        })
    }

    pub(super) fn iter_keys(&self) -> Pages<K> {
        let reference = self.reference.clone();
        Pages::new(move |place| {
            let request = reference.request(op::PAGE).byte(op::KEYS).byte(0).number(place);
            let mut answer = request.call()?;
            let keys = answer.values()?;
            let (has_more, place) = (answer.flag()?, answer.number()?);
            Ok((keys, has_more.then_some(place)))
        })
    }

    /// Waits until a key is there, and returns its value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait_for<Q>(&self, key: &Q) -> Result<V, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        present(self.wait_until(key, None)?)
    }

    /// Waits until a key is there, but no longer than `timeout`; `None` if it is not there then.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let manager = mp_manager::Manager::start()?;
    /// let results = manager.dict::<String, u32>()?;
    /// assert_eq!(results.wait_for_timeout("sum", Duration::from_millis(10))?, None);
    /// let child = mp_process::spawn(|results: mp_manager::DictProxy<String, u32>| {
    ///     results.set("sum", &3).unwrap();
    /// }, (results.clone(),))?;
    /// assert_eq!(results.wait_for("sum")?, 3);
    /// # child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for_timeout<Q>(&self, key: &Q, timeout: Duration) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.wait_until(key, Some(timeout))
    }

    fn wait_until<Q>(&self, key: &Q, timeout: Option<Duration>) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let request = self.reference.request(op::WAIT).value(key)?.number(0).limit(timeout);
        let mut answer = request.call()?;
        let (_changed, _version) = (answer.flag()?, answer.number()?);
        answer.optional()
    }

    /// Begins to watch a key: see [`Watch`].
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn watch<Q>(&self, key: &Q) -> Result<Watch<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        Watch::begin(self.reference.clone(), key)
    }

    pub(super) fn with_entries<Q, W>(
        &self,
        op: u8,
        entries: impl IntoIterator<Item = (Q, W)>,
    ) -> Result<Request<'_>, ManagerError>
    where
        Q: Borrow<K>,
        W: Borrow<V>,
    {
        let mut request = self.reference.request(op);
        for (key, value) in entries {
            request.push(key.borrow())?;
            request.push(value.borrow())?;
        }
        Ok(request)
    }

    fn with_keys<Q: Serialize>(
        &self,
        op: u8,
        keys: impl IntoIterator<Item = impl Borrow<Q>>,
    ) -> Result<(Request<'_>, usize), ManagerError> {
        let (mut request, mut count) = (self.reference.request(op), 0);
        for key in keys {
            request.push(key.borrow())?;
            count += 1;
        }
        Ok((request, count))
    }
}

/// What the server has promised to be there.
fn present<T>(value: Option<T>) -> Result<T, ManagerError> {
    value.ok_or(ManagerError::Protocol { what: "nothing, where there must be a value" })
}
