//! Functions of the program that work on values where they are, on the server.

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ListProxy;
use crate::error::ManagerError;
use crate::function;
use crate::method::Method;
use crate::objects::list_op as op;

impl<T: Serialize + DeserializeOwned> ListProxy<T> {
    /// Lets a function change the value in a place, on the server: nobody else sees or changes the
    /// list meanwhile. If the function panics, the value is as before.
    ///
    /// # Errors
    ///
    /// [`ManagerError::OutOfRange`] if there is none, [`ManagerError::Panicked`] if the function
    /// did; see [`ManagerError`] for others.
    pub fn update_with<F, A>(&self, index: usize, f: F, args: A) -> Result<F::Output, ManagerError>
    where
        F: Method<T, A>,
        F::Output: Serialize + DeserializeOwned,
        T: 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        let request =
            self.reference.request(op::UPDATE).function(function::update::<T, F, A>(f)?)?;
        request.number(index as u64).value(&args)?.call()?.value()
    }

    /// Sorts the values, on the server; equal ones keep their order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn sort(&self) -> Result<(), ManagerError>
    where
        T: Ord + 'static,
    {
        self.sort_by_key(|value: T| value)
    }

    /// Sorts the values by what a function makes of them, on the server; equal ones keep their
    /// order.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Panicked`] if the function did, the list is then as before; see
    /// [`ManagerError`] for others.
    pub fn sort_by_key<F, O>(&self, f: F) -> Result<(), ManagerError>
    where
        F: Function<(T,), Output = O>,
        T: 'static,
        O: Ord,
    {
        let shim = function::sorter::<T, F, O>(f)?;
        self.reference.request(op::SORT).function(shim)?.call().map(drop)
    }
}
