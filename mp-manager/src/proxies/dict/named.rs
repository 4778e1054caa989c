//! Functions that the server allows by name, at work on entries: for programs whose own functions
//! the server does not have.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DictProxy, present};
use crate::error::ManagerError;
use crate::objects::dict_op as op;

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// As [`update_with`](Self::update_with), with a function that the server
    /// [allows](crate::Builder::allow_update) under this name.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NoSuchFunction`] if there is none of that name,
    /// [`ManagerError::WrongType`] if it is one for something else, and those of
    /// [`update_with`](Self::update_with).
    pub fn update_named<Q, A, R>(
        &self,
        key: &Q,
        name: &str,
        args: A,
    ) -> Result<Option<R>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        A: Serialize,
        R: DeserializeOwned,
    {
        let request = self.reference.request(op::UPDATE).function_name(name);
        request.value(key)?.value(&args)?.call()?.optional()
    }

    /// As [`upsert_with`](Self::upsert_with), with a function that the server
    /// [allows](crate::Builder::allow_update) under this name.
    ///
    /// # Errors
    ///
    /// As [`update_named`](Self::update_named).
    pub fn upsert_named<Q, A, R>(
        &self,
        key: &Q,
        default: &V,
        name: &str,
        args: A,
    ) -> Result<R, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        A: Serialize,
        R: DeserializeOwned,
    {
        let request = self.reference.request(op::UPSERT).function_name(name);
        present(request.value(key)?.value(default)?.value(&args)?.call()?.optional()?)
    }

    /// As [`transaction`](Self::transaction), with a function that the server
    /// [allows](crate::Builder::allow_transaction) under this name.
    ///
    /// # Errors
    ///
    /// As [`update_named`](Self::update_named).
    pub fn transaction_named<A, R>(&self, name: &str, args: A) -> Result<R, ManagerError>
    where
        A: Serialize,
        R: DeserializeOwned,
    {
        self.reference.request(op::TRANSACT).function_name(name).value(&args)?.call()?.value()
    }
}
