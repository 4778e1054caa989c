//! The entries of a dict while a transaction works on them, and what it has changed so far.

use std::sync::Arc;

use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Refusal;
use crate::objects::{Aide, DictData, OrderedMap, Stored};

/// Entries as they were, and changes that do not count yet.
pub(crate) struct Vault {
    data: DictData,
    /// The values of changed keys; nothing for those that are removed.
    changes: OrderedMap<Option<Stored>>,
    aide: Arc<Aide>,
}

fn encode<K: Serialize>(key: &K) -> Result<Parcel, Refusal> {
    Parcel::encode(key).map_err(|error| Refusal::NotEncoded(error.to_string()))
}

impl Vault {
    pub(crate) fn new(data: DictData, aide: &Arc<Aide>) -> Self {
        Self { data, changes: OrderedMap::default(), aide: Arc::clone(aide) }
    }

    fn find(&self, key: &[u8]) -> Option<&Stored> {
        match self.changes.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.data.get(key),
        }
    }

    pub(crate) fn get<K, V>(&self, key: &K) -> Result<Option<V>, Refusal>
    where
        K: Serialize,
        V: DeserializeOwned,
    {
        self.find(encode(key)?.bytes()).map(|stored| self.aide.decode(stored)).transpose()
    }

    pub(crate) fn contains<K: Serialize>(&self, key: &K) -> Result<bool, Refusal> {
        Ok(self.find(encode(key)?.bytes()).is_some())
    }

    pub(crate) fn set<K: Serialize, V: Serialize>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Refusal> {
        let value = self.aide.encode(value)?;
        self.changes.insert(encode(key)?.bytes(), Some(value));
        Ok(())
    }

    pub(crate) fn remove<K: Serialize>(&mut self, key: &K) -> Result<bool, Refusal> {
        let key = encode(key)?;
        let was_there = self.find(key.bytes()).is_some();
        self.changes.insert(key.bytes(), None);
        Ok(was_there)
    }

    /// The encoded keys, in order.
    fn all_keys(&self) -> impl Iterator<Item = &[u8]> {
        let kept = self.data.keys().filter(|key| self.find(key).is_some());
        let changed = self.changes.iter().filter(|(_, _, value)| value.is_some());
        kept.chain(changed.map(|(_, key, _)| key).filter(|key| self.data.get(key).is_none()))
    }

    pub(crate) fn len(&self) -> usize {
        self.all_keys().count()
    }

    pub(crate) fn keys<K: DeserializeOwned>(&self) -> Result<Vec<K>, Refusal> {
        let decode = |key: &[u8]| {
            let key = Parcel::from_parts(key.to_vec(), Vec::new()).decode();
            key.map_err(|error| Refusal::Undecodable(error.to_string()))
        };
        self.all_keys().map(decode).collect()
    }

    pub(crate) fn roll_back(&mut self) {
        self.changes.clear();
    }

    /// Lets the changes count.
    pub(crate) fn commit(mut self) -> DictData {
        while let Some((key, change)) = self.changes.pop_first() {
            match change {
                Some(value) => drop(self.data.insert(&key, value)),
                None => drop(self.data.remove(&key)),
            }
        }
        self.data
    }
}
