//! [`Transaction`]: the entries of a dict, in the hands of a function on the server.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Marker;
use crate::error::{ManagerError, Refusal};
use crate::vault::Vault;

/// The entries of a dict, while a function works on them on the server: see
/// [`DictProxy::transaction`](crate::DictProxy::transaction).
///
/// # Panics
///
/// Its methods panic if an entry is not of the type that the dict's proxy says, or exceeds a limit;
/// that is undone and told to the caller, as every panic of the function.
pub struct Transaction<K, V> {
    vault: Vault,
    marker: Marker<(K, V)>,
}

fn whole<T>(result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| panic!("{}", ManagerError::from(refusal)))
}

impl<K, V> Transaction<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    pub(crate) fn new(vault: Vault) -> Self {
        Self { vault, marker: Marker::default() }
    }

    pub(crate) fn into_vault(self) -> Vault {
        self.vault
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        whole(self.vault.get(key))
    }

    /// Tells whether a key is there.
    pub fn contains_key(&self, key: &K) -> bool {
        whole(self.vault.contains(key))
    }

    /// Sets the value of a key.
    pub fn set(&mut self, key: &K, value: &V) {
        whole(self.vault.set(key, value));
    }

    /// Removes a key; tells whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        whole(self.vault.remove(key))
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.vault.len()
    }

    /// Tells whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the keys, in order.
    pub fn keys(&self) -> Vec<K> {
        whole(self.vault.keys())
    }

    /// Takes all changes back that were made so far.
    pub fn roll_back(&mut self) {
        self.vault.roll_back();
    }
}

impl<K, V> fmt::Debug for Transaction<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
