//! [`SetProxy`]: a set that a manager serves.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DictProxy, Marker, Pages, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::dict_op as op;

/// A set on a manager's server, in the order of insertion: a [`DictProxy`] without values.
///
/// Each call is atomic. Values are equal if their encoded bytes are. What two sets have in common
/// is found out of a [`snapshot`](Self::snapshot) of one of them.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let seen = manager.set::<String>()?;
/// assert!(seen.insert("a")?);
/// assert!(!seen.insert("a")?);
/// seen.extend(["b", "c"].map(String::from))?;
/// seen.retain(["c", "a", "x"].map(String::from))?;
/// seen.toggle(["a", "d"].map(String::from))?;
/// assert_eq!(seen.snapshot()?, ["c", "d"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SetProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(SetProxy, T);

impl<T> SetProxy<T> {
    fn dict(&self) -> DictProxy<T, ()> {
        DictProxy::new(self.reference.clone())
    }

    /// Returns the number of values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.dict().len()
    }

    /// Tells whether there are no values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        self.dict().is_empty()
    }

    /// Removes all values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.dict().clear()
    }
}

impl<T: Serialize + DeserializeOwned> SetProxy<T> {
    /// Adds a value; tells whether it is new.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "add")]
    pub fn insert<Q>(&self, value: &Q) -> Result<bool, ManagerError>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        Ok(self.dict().insert(value, &())?.is_none())
    }

    /// Tells whether a value is there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn contains<Q>(&self, value: &Q) -> Result<bool, ManagerError>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.dict().contains_key(value)
    }

    /// Removes a value; tells whether it was there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "discard")]
    pub fn remove<Q>(&self, value: &Q) -> Result<bool, ManagerError>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        Ok(self.dict().remove(value)?.is_some())
    }

    /// Removes the value that was added last, and returns it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn pop(&self) -> Result<Option<T>, ManagerError> {
        Ok(self.dict().pop_last()?.map(|(value, ())| value))
    }

    /// Adds all of these values, in one call.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "update")]
    #[doc(alias = "__ior__")]
    pub fn extend(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<(), ManagerError> {
        self.dict().extend(values.into_iter().map(|value| (value, ())))
    }

    /// Removes all of these values, in one call; returns how many were there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "difference_update")]
    #[doc(alias = "__isub__")]
    pub fn remove_many(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<usize, ManagerError> {
        self.dict().remove_many::<T>(values)
    }

    /// Removes all values but these, in one call; returns how many were removed.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "intersection_update")]
    #[doc(alias = "__iand__")]
    pub fn retain(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<usize, ManagerError> {
        self.dict().retain_many::<T>(values)
    }

    /// Removes those of the values that are there, and adds the others, in one call.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "symmetric_difference_update")]
    #[doc(alias = "__ixor__")]
    pub fn toggle(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<(), ManagerError> {
        let entries = values.into_iter().map(|value| (value, ()));
        self.dict().with_entries(op::TOGGLE_MANY, entries)?.call().map(drop)
    }

    /// Tells whether all of these values are there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "issuperset")]
    pub fn contains_all(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<bool, ManagerError> {
        Ok(self.dict().get_many::<T>(values)?.iter().all(Option::is_some))
    }

    /// Returns a copy of all values, in order, as they are at one moment.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "copy")]
    #[doc(alias = "_getvalue")]
    pub fn snapshot(&self) -> Result<Vec<T>, ManagerError> {
        self.dict().keys()
    }

    /// Goes through all values, in order, and fetches many at a time.
    pub fn iter(&self) -> Pages<T>
    where
        T: 'static,
    {
        self.dict().iter_keys()
    }
}
