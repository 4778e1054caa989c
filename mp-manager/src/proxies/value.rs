//! [`ValueProxy`]: a single value.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DictProxy, Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::method::Method;

/// A single value on a manager's server.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let total = manager.value(&10)?;
/// total.update_with(|n: &mut i32, by: i32| *n += by, (5,))?;
/// assert!(total.compare_and_set(&15, &20)?);
/// assert_eq!(total.get()?, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ValueProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(ValueProxy, T);

/// There is always a value, unless somebody cheats.
const ABSENT: ManagerError = ManagerError::Protocol { what: "no value" };

impl<T: Serialize + DeserializeOwned> ValueProxy<T> {
    /// It is a dict with one key.
    fn dict(&self) -> DictProxy<(), T> {
        DictProxy::new(self.reference.clone())
    }

    /// Returns the value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn get(&self) -> Result<T, ManagerError> {
        self.dict().get(&())?.ok_or(ABSENT)
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn set(&self, value: &T) -> Result<(), ManagerError> {
        self.dict().set(&(), value)
    }

    /// Sets the value, and returns the old one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn replace(&self, value: &T) -> Result<T, ManagerError> {
        self.dict().insert(&(), value)?.ok_or(ABSENT)
    }

    /// Sets the value to `new` if it is `expected` now; returns whether it was.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "compare_exchange")]
    pub fn compare_and_set(&self, expected: &T, new: &T) -> Result<bool, ManagerError> {
        self.dict().compare_and_set(&(), Some(expected), Some(new))
    }

    /// Lets a function change the value, on the server: nobody else sees or changes it meanwhile.
    /// If the function panics, the value is as before.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Panicked`] if the function did; see [`ManagerError`] for others.
    pub fn update_with<F, A>(&self, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        T: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        self.dict().update_with(&(), f, args)?.ok_or(ABSENT)
    }
}
