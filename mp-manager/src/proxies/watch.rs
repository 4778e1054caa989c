//! [`Watch`]: hearing of the changes of a key.

use std::time::Duration;

use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Marker;
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::dict_op as op;

/// The changes of one key of a [`DictProxy`](crate::DictProxy), from
/// [`watch`](crate::DictProxy::watch).
///
/// Who looks too rarely misses values in between, but never the last one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let settings = manager.dict::<String, u32>()?;
/// settings.set("speed", &1)?;
/// let mut speed = settings.watch("speed")?;
/// assert_eq!(speed.next_timeout(Duration::from_millis(5))?, None);
///
/// settings.set("speed", &2)?;
/// assert_eq!(speed.next()?, Some(2));
/// settings.remove("speed")?;
/// assert_eq!(speed.next()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Watch<V> {
    reference: Reference,
    /// Encoded.
    key: Vec<u8>,
    seen: u64,
    marker: Marker<V>,
}

impl<V: DeserializeOwned> Watch<V> {
    pub(super) fn begin<Q: Serialize + ?Sized>(
        reference: Reference,
        key: &Q,
    ) -> Result<Self, ManagerError> {
        let (key, _) = Parcel::encode(key).map_err(ManagerError::Encode)?.into_parts();
        let mut watch = Self { reference, key, seen: 0, marker: Marker::default() };
        // What is there now is no change.
        watch.wait(Some(Duration::ZERO))?;
        Ok(watch)
    }

    /// Waits until the key has changed since the last call, or since the watch began; returns its
    /// value, `None` if it was removed.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[allow(clippy::should_implement_trait, reason = "it never ends, and may fail")]
    pub fn next(&mut self) -> Result<Option<V>, ManagerError> {
        Ok(self.wait(None)?.flatten())
    }

    /// As [`next`](Self::next), if the key has changed already.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn try_next(&mut self) -> Result<Option<Option<V>>, ManagerError> {
        self.wait(Some(Duration::ZERO))
    }

    /// As [`next`](Self::next), but waits no longer than `timeout`; `None` if nothing has changed.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Option<V>>, ManagerError> {
        self.wait(Some(timeout))
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<Option<V>>, ManagerError> {
        let request = self.reference.request(op::WAIT).encoded(&self.key);
        let mut answer = request.number(self.seen).limit(timeout).call()?;
        let has_changed = answer.flag()?;
        self.seen = answer.number()?;
        if has_changed { answer.optional().map(Some) } else { Ok(None) }
    }
}
