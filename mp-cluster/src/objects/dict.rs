//! A dict that the servers keep.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::{Operation, Store, UpdateErrorKind};
use futures_util::TryStreamExt;
use mp_handle::Parcel;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bus::Bus;
use super::{check_name, encode, open, seal};
use crate::error::ClusterError;

/// A dict between machines, whose every change is atomic.
///
/// It is that of the cluster which the environment names, and travels as its name. A key and its
/// value have to fit into a message of the server, a megabyte by default.
///
/// # Examples
///
/// ```
/// # if std::env::var_os("MP_CLUSTER").is_none() { return Ok(()); }
/// use mp_cluster::Dict;
///
/// let counts: Dict<String, u32> = Dict::open("counts")?;
/// counts.set(&"apples".into(), &1)?;
/// counts.update_with(&"apples".into(), |count| count.map(|count| count + 1))?;
/// assert_eq!(counts.get(&"apples".into())?, Some(2));
/// assert_eq!(counts.remove(&"apples".into())?, Some(2));
/// # counts.delete()?;
/// # Ok::<(), mp_cluster::ClusterError>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dict<K, V> {
    name: String,
    #[serde(skip)]
    entries: PhantomData<fn() -> (K, V)>,
}

/// A revision that no entry has: there is none.
const ABSENT: u64 = 0;

impl<K, V> Dict<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Opens the dict of this name, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The name has other than letters, digits, `-` and `_`, or the cluster cannot be reached.
    pub fn open(name: &str) -> Result<Self, ClusterError> {
        check_name(name)?;
        let dict = Self { name: name.into(), entries: PhantomData };
        dict.with_store(|_| async { Ok(()) })?;
        Ok(dict)
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// The servers do not answer, or what is there is not of this program.
    pub fn get(&self, key: &K) -> Result<Option<V>, ClusterError> {
        self.entry(&key_text(key)?).map(|(value, _)| value)
    }

    /// Whether there is a value of a key.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn contains_key(&self, key: &K) -> Result<bool, ClusterError> {
        self.get(key).map(|value| value.is_some())
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// The value cannot be encoded or is too large, or the servers do not answer.
    pub fn set(&self, key: &K, value: &V) -> Result<(), ClusterError> {
        let key = key_text(key)?;
        let value = seal(&*Bus::get()?, &self.place(&key), value)?;
        self.with_store(|store| async move {
            let put = store.put(&key, value.into()).await;
            put.map(drop).map_err(ClusterError::engine("keep a value"))
        })
    }

    /// Removes a key, and returns its value.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    pub fn remove(&self, key: &K) -> Result<Option<V>, ClusterError> {
        let mut removed = None;
        self.change(key, |value| {
            removed = value;
            None
        })?;
        Ok(removed)
    }

    /// Has `change` make a new value of the one that is there, or of none; if it gives none, the
    /// key is removed. If others have changed the value meanwhile, it is called again, with theirs.
    /// Returns the new value.
    ///
    /// # Errors
    ///
    /// The servers do not answer. The change may have come about all the same then.
    pub fn update_with(
        &self,
        key: &K,
        change: impl FnMut(Option<V>) -> Option<V>,
    ) -> Result<Option<V>, ClusterError> {
        self.change(key, change)
    }

    /// All keys, in no order.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn keys(&self) -> Result<Vec<K>, ClusterError> {
        let texts: Vec<String> = self.with_store(|store| async move {
            let fails = "list keys";
            let keys = store.keys().await.map_err(ClusterError::engine(fails))?;
            keys.try_collect().await.map_err(ClusterError::engine(fails))
        })?;
        texts.iter().map(|text| key_of(text)).collect()
    }

    /// How many keys there are.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn len(&self) -> Result<usize, ClusterError> {
        self.keys().map(|keys| keys.len())
    }

    /// Whether there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn is_empty(&self) -> Result<bool, ClusterError> {
        self.len().map(|keys| keys == 0)
    }

    /// Removes the dict, with all that is in it.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    #[doc(alias = "unlink")]
    pub fn delete(self) -> Result<(), ClusterError> {
        let bus = Bus::get()?;
        let (name, own) = (format!("KV_{}", self.bucket(&bus)), Arc::clone(&bus));
        bus.run(async move {
            let deleted = own.link.engine.delete_stream(name).await;
            deleted.map(drop).map_err(ClusterError::engine("remove a dict"))
        })
    }

    /// A value, and the revision that it has; of what is removed, too.
    fn entry(&self, key: &str) -> Result<(Option<V>, u64), ClusterError> {
        let text = key.to_owned();
        let entry = self.with_store(|store| async move {
            store.entry(text).await.map_err(ClusterError::engine("find a value"))
        })?;
        let Some(entry) = entry else { return Ok((None, ABSENT)) };
        if entry.operation != Operation::Put {
            return Ok((None, entry.revision));
        }
        let value = open(&*Bus::get()?, &self.place(key), &entry.value)?;
        Ok((Some(value), entry.revision))
    }

    fn change(
        &self,
        key: &K,
        mut change: impl FnMut(Option<V>) -> Option<V>,
    ) -> Result<Option<V>, ClusterError> {
        let key = key_text(key)?;
        let bus = Bus::get()?;
        loop {
            let (old, revision) = self.entry(&key)?;
            let was_there = old.is_some();
            let new = change(old);
            let bytes = match &new {
                Some(value) => Some(seal(&bus, &self.place(&key), value)?),
                None if was_there => None,
                None => return Ok(None),
            };
            let text = key.clone();
            let is_done = self.with_store(|store| swap(store, text, bytes, revision))?;
            if is_done {
                return Ok(new);
            }
        }
    }

    /// Where a value belongs.
    fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.name)
    }

    fn bucket(&self, bus: &Bus) -> String {
        format!("MP_DICT_{}_{}", bus.link.names.build(), self.name)
    }

    fn with_store<R, F>(&self, work: impl FnOnce(Store) -> F) -> Result<R, ClusterError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, ClusterError>> + Send + 'static,
    {
        let bus = Bus::get()?;
        let (name, own) = (self.bucket(&bus), Arc::clone(&bus));
        let store = bus.run(async move { own.store(&name, Duration::ZERO).await })?;
        bus.run(work(store))
    }
}

/// Replaces a value, or removes it, if it still has that revision; tells whether it had.
async fn swap(
    store: Store,
    key: String,
    value: Option<Vec<u8>>,
    revision: u64,
) -> Result<bool, ClusterError> {
    let kind = match value {
        Some(value) => store
            .update(&key, value.into(), revision)
            .await
            .map(drop)
            .map_err(|it| (it.kind() == UpdateErrorKind::WrongLastRevision, it.to_string())),
        None => store
            .delete_expect_revision(&key, Some(revision))
            .await
            .map_err(|it| (it.to_string().contains("wrong last sequence"), it.to_string())),
    };
    match kind {
        Ok(()) => Ok(true),
        Err((true, _)) => Ok(false),
        Err((false, reason)) => Err(ClusterError::Engine { what: "change a value", reason }),
    }
}

/// A key as the servers can have it: the digits of its bytes.
fn key_text<K: Serialize>(key: &K) -> Result<String, ClusterError> {
    Ok(encode(key)?.bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn key_of<K: DeserializeOwned>(text: &str) -> Result<K, ClusterError> {
    let fails = |reason: String| ClusterError::Engine { what: "give back a key", reason };
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    let bytes = bytes.ok_or_else(|| fails("it is not one of this program".into()))?;
    Parcel::from_parts(bytes, Vec::new()).decode().map_err(|error| fails(error.to_string()))
}

impl<K, V> Clone for Dict<K, V> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), entries: PhantomData }
    }
}

impl<K, V> fmt::Debug for Dict<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dict").field("name", &self.name).finish()
    }
}
