//! Waiting for a key, and for its changes.

use std::borrow::Borrow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::Watch;
use super::{DictProxy, present};
use crate::error::ManagerError;
use crate::objects::dict_op as op;

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
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
}
