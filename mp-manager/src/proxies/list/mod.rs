//! [`ListProxy`]: a list that a manager serves.
//!
//! Here is what works on one value; `ranges` of values, and `update` by functions that run on the
//! server, are beside it.

mod ranges;
mod update;

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Marker, proxy};
use crate::client::{Reference, Request};
use crate::error::ManagerError;
use crate::objects::list_op as op;

/// A list on a manager's server.
///
/// Each call is atomic. Values are equal if their encoded bytes are. They are copies: to change one
/// in its place, use [`update_with`](Self::update_with), or make it a proxy of another object.
///
/// # Examples
///
/// ```
/// use mp_manager::{ListProxy, Manager};
///
/// fn append(list: ListProxy<u32>, n: u32) {
///     list.push(&n).unwrap();
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let list = manager.list()?;
/// let children = [0, 1, 2].map(|n| mp_process::spawn(append, (list.clone(), n)));
/// for child in children {
///     child?.join()?;
/// }
/// list.sort()?;
/// assert_eq!(list.snapshot()?, [0, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ListProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(ListProxy, T);

impl<T> ListProxy<T> {
    /// Returns the number of values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.reference.request(op::LEN).call()?.len()
    }

    /// Tells whether there are no values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Removes all values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.reference.request(op::CLEAR).call().map(drop)
    }

    /// Reverses the order of the values.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn reverse(&self) -> Result<(), ManagerError> {
        self.reference.request(op::REVERSE).call().map(drop)
    }

    /// Exchanges two values.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if one of them is not there; see [`ManagerError`] for others.
    pub fn swap(&self, one: usize, other: usize) -> Result<(), ManagerError> {
        let request = self.reference.request(op::SWAP);
        request.number(one as u64).number(other as u64).call().map(drop)
    }
}

impl<T: Serialize + DeserializeOwned> ListProxy<T> {
    /// Returns the value in a place.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__getitem__")]
    pub fn get(&self, index: usize) -> Result<Option<T>, ManagerError> {
        self.at(op::GET, index).call()?.optional()
    }

    /// Replaces the value in a place, and returns the old one.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if there is none; see [`ManagerError`] for others.
    #[doc(alias = "__setitem__")]
    pub fn set(&self, index: usize, value: &T) -> Result<T, ManagerError> {
        self.at(op::SET, index).value(value)?.call()?.value()
    }

    /// Puts a value at the end.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "append")]
    pub fn push(&self, value: &T) -> Result<(), ManagerError> {
        self.reference.request(op::EXTEND).value(value)?.call().map(drop)
    }

    /// Puts many values at the end, in one call.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn extend(
        &self,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<(), ManagerError> {
        with_values(self.reference.request(op::EXTEND), values)?.call().map(drop)
    }

    /// Inserts a value before the one in a place, or at the end.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if the list is shorter than `index`; see [`ManagerError`] for
    /// others.
    pub fn insert(&self, index: usize, value: &T) -> Result<(), ManagerError> {
        self.at(op::INSERT, index).value(value)?.call().map(drop)
    }

    /// Removes the value in a place, and returns it, if there is one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__delitem__")]
    pub fn remove(&self, index: usize) -> Result<Option<T>, ManagerError> {
        self.at(op::REMOVE, index).call()?.optional()
    }

    /// Removes the first value that is equal to this one; tells whether there was one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn remove_value(&self, value: &T) -> Result<bool, ManagerError> {
        self.reference.request(op::REMOVE_VALUE).value(value)?.call()?.flag()
    }

    /// Removes the last value, and returns it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn pop(&self) -> Result<Option<T>, ManagerError> {
        self.reference.request(op::POP).call()?.optional()
    }

    /// Removes the first value, and returns it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn pop_front(&self) -> Result<Option<T>, ManagerError> {
        self.reference.request(op::POP_FRONT).call()?.optional()
    }

    /// Tells whether a value is in the list.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn contains(&self, value: &T) -> Result<bool, ManagerError> {
        Ok(self.position(value)?.is_some())
    }

    /// Returns the first place of a value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "index")]
    pub fn position(&self, value: &T) -> Result<Option<usize>, ManagerError> {
        let mut answer = self.reference.request(op::POSITION).value(value)?.number(0).call()?;
        let (is_there, place) = (answer.flag()?, answer.len()?);
        Ok(is_there.then_some(place))
    }

    /// Counts how often a value is in the list.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn count(&self, value: &T) -> Result<usize, ManagerError> {
        self.reference.request(op::COUNT).value(value)?.call()?.len()
    }

    /// Sets the value in a place to `new` if it is `expected` now; returns whether it was.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if there is none; see [`ManagerError`] for others.
    #[doc(alias = "compare_exchange")]
    pub fn compare_and_set(
        &self,
        index: usize,
        expected: &T,
        new: &T,
    ) -> Result<bool, ManagerError> {
        let request = self.at(op::COMPARE_AND_SET, index);
        request.value(expected)?.value(new)?.call()?.flag()
    }

    fn at(&self, op: u8, index: usize) -> Request<'_> {
        self.reference.request(op).number(index as u64)
    }
}

fn with_values<T: Serialize>(
    mut request: Request<'_>,
    values: impl IntoIterator<Item = impl Borrow<T>>,
) -> Result<Request<'_>, ManagerError> {
    for value in values {
        request.push(value.borrow())?;
    }
    Ok(request)
}
