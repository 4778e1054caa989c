//! [`DictProxy`]: a dict that a manager serves.
//!
//! Here is what works on one entry; `many` entries in one call, `update` by functions that run on
//! the server, `read` of the whole dict, and `wait` for a key are beside it.

mod many;
mod named;
mod read;
mod update;
mod wait;

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
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
    reference: Reference,
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
}

/// What the server has promised to be there.
fn present<T>(value: Option<T>) -> Result<T, ManagerError> {
    value.ok_or(ManagerError::Protocol { what: "nothing, where there must be a value" })
}
