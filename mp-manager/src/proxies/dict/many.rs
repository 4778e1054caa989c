//! Several entries in one call.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::DictProxy;
use crate::client::Request;
use crate::error::ManagerError;
use crate::objects::dict_op as op;

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
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

    pub(in crate::proxies) fn with_entries<Q, W>(
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
