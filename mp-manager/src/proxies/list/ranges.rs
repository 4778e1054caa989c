//! Ranges of values, the whole list among them.

use std::borrow::Borrow;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::Pages;
use super::{ListProxy, with_values};
use crate::error::ManagerError;
use crate::objects::list_op as op;

impl<T: Serialize + DeserializeOwned> ListProxy<T> {
    /// Returns the values in a range, as far as they are there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn slice(&self, range: Range<usize>) -> Result<Vec<T>, ManagerError> {
        let request = self.reference.request(op::PAGE).byte(1);
        request.number(range.start as u64).number(range.end as u64).call()?.values()
    }

    /// Replaces the values in a range by others, and returns the old ones.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if the range is not in the list; see [`ManagerError`] for
    /// others.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let manager = mp_manager::Manager::start()?;
    /// let list = manager.list::<u32>()?;
    /// list.extend(0..5)?;
    /// assert_eq!(list.splice(1..3, [7, 8, 9])?, [1, 2]);
    /// assert_eq!(list.snapshot()?, [0, 7, 8, 9, 3, 4]);
    /// assert_eq!(list.slice(4..99)?, [3, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn splice(
        &self,
        range: Range<usize>,
        values: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Result<Vec<T>, ManagerError> {
        let request = self.reference.request(op::SPLICE);
        let request = request.number(range.start as u64).number(range.end as u64);
        with_values(request, values)?.call()?.values()
    }

    /// Returns a copy of all values, as they are at one moment.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`]; [`ManagerError::Limit`] if they are too many for one answer:
    /// [`iter`](Self::iter) fetches them bit by bit.
    #[doc(alias = "copy")]
    #[doc(alias = "_getvalue")]
    pub fn snapshot(&self) -> Result<Vec<T>, ManagerError> {
        self.slice(0..usize::MAX)
    }

    /// Goes through all values, in order, and fetches many at a time.
    pub fn iter(&self) -> Pages<T> {
        let reference = self.reference.clone();
        Pages::new(move |place| {
            let request = reference.request(op::PAGE).byte(0).number(place).number(u64::MAX);
            let mut answer = request.call()?;
            let values = answer.values()?;
            let (has_more, place) = (answer.flag()?, answer.number()?);
            Ok((values, has_more.then_some(place)))
        })
    }
}
