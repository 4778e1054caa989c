//! The whole dict, at once or page by page.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::Pages;
use super::super::pages::Page;
use super::DictProxy;
use crate::client::Answer;
use crate::error::ManagerError;
use crate::objects::dict_op as op;

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Returns all keys, in order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.whole(op::KEYS)?.values()
    }

    /// Returns all values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn values(&self) -> Result<Vec<V>, ManagerError> {
        self.whole(op::VALUES)?.values()
    }

    /// Returns a copy of all entries, in order, as they are at one moment.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`]; [`ManagerError::Limit`] if they are too many for one answer:
    /// [`iter`](Self::iter) fetches them bit by bit.
    #[doc(alias = "items")]
    #[doc(alias = "copy")]
    #[doc(alias = "_getvalue")]
    pub fn snapshot(&self) -> Result<Vec<(K, V)>, ManagerError> {
        let mut answer = self.whole(op::KEYS | op::VALUES)?;
        let mut entries = Vec::new();
        while answer.flag()? {
            entries.push((answer.value()?, answer.value()?));
        }
        Ok(entries)
    }

    fn whole(&self, parts: u8) -> Result<Answer<'_>, ManagerError> {
        self.reference.request(op::PAGE).byte(parts).byte(1).number(0).call()
    }

    /// Goes through all entries, in order, and fetches many at a time.
    pub fn iter(&self) -> Pages<(K, V)> {
        let reference = self.reference.clone();
        Pages::new(move |place| {
            let request = reference.request(op::PAGE);
            let request = request.byte(op::KEYS | op::VALUES).byte(0).number(place);
            let mut answer = request.call()?;
            let mut entries = Vec::new();
            while answer.flag()? {
                entries.push((answer.value()?, answer.value()?));
            }
            let (has_more, place) = (answer.flag()?, answer.number()?);
            Ok::<Page<_>, _>((entries, has_more.then_some(place)))
        })
    }

    pub(in crate::proxies) fn iter_keys(&self) -> Pages<K> {
        let reference = self.reference.clone();
        Pages::new(move |place| {
            let request = reference.request(op::PAGE).byte(op::KEYS).byte(0).number(place);
            let mut answer = request.call()?;
            let keys = answer.values()?;
            let (has_more, place) = (answer.flag()?, answer.number()?);
            Ok((keys, has_more.then_some(place)))
        })
    }
}
