//! [`ArrayProxy`]: a list whose length is fixed.

use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ListProxy, Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::method::Method;

/// Values on a manager's server, as many as there were from the first.
///
/// For numbers that many processes change all the time, an array in shared memory is some hundred
/// times as fast.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let array = manager.array([1, 2, 3])?;
/// assert_eq!(array.set(0, &10)?, 1);
/// array.update_with(1, |n: &mut i32| *n *= 7, ())?;
/// assert_eq!(array.snapshot()?, [10, 14, 3]);
/// assert!(array.set(3, &0).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArrayProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(ArrayProxy, T);

impl<T> ArrayProxy<T> {
    fn list(&self) -> ListProxy<T> {
        ListProxy::new(self.reference.clone())
    }

    /// Returns the number of values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.list().len()
    }

    /// Tells whether there are no values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        self.list().is_empty()
    }
}

impl<T: Serialize + DeserializeOwned> ArrayProxy<T> {
    /// Returns the value in a place.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn get(&self, index: usize) -> Result<Option<T>, ManagerError> {
        self.list().get(index)
    }

    /// Returns the values in a range, as far as they are there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn slice(&self, range: Range<usize>) -> Result<Vec<T>, ManagerError> {
        self.list().slice(range)
    }

    /// Replaces the value in a place, and returns the old one.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if there is none; see [`ManagerError`] for others.
    pub fn set(&self, index: usize, value: &T) -> Result<T, ManagerError> {
        self.list().set(index, value)
    }

    /// Lets a function change the value in a place: see [`ListProxy::update_with`].
    ///
    /// # Errors
    ///
    /// As [`ListProxy::update_with`].
    pub fn update_with<F, A>(&self, index: usize, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        T: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        self.list().update_with(index, f, args)
    }

    /// Returns a copy of all values, as they are at one moment.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn snapshot(&self) -> Result<Vec<T>, ManagerError> {
        self.list().snapshot()
    }
}
