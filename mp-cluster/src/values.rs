//! The store for what is too large for a message: arguments, shared values and results.
//!
//! Arguments are called by their digest, so that each is stored once however many tasks have it;
//! results by the number of their chunk. Both bear the client, who removes them in the end.

use std::time::Duration;

use async_nats::jetstream::object_store::{Config, ObjectStore};
use futures_util::TryStreamExt;
use tokio::io::AsyncReadExt;

use crate::error::ClusterError;
use crate::link::Link;
use crate::message::{ClientId, Digest, Stored};

/// What its client has not removed by then is nobody's any more.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// What an argument is called.
pub(crate) fn argument(client: ClientId, digest: Digest) -> String {
    format!("{client}.argument.{digest}")
}

/// What the answers of a chunk are called.
pub(crate) fn result(client: ClientId, number: u64) -> String {
    format!("{client}.result.{number}")
}

/// The client whose value has this name.
pub(crate) fn client_of(name: &str) -> Option<ClientId> {
    name.split('.').next().and_then(ClientId::parse)
}

impl Link {
    async fn store(&self) -> Result<ObjectStore, ClusterError> {
        let bucket = self.names.store();
        if let Ok(store) = self.engine.get_object_store(&bucket).await {
            return Ok(store);
        }
        let config = Config {
            bucket: bucket.clone(),
            max_age: OLDEST,
            num_replicas: self.config.replicas,
            ..Config::default()
        };
        match self.engine.create_object_store(config).await {
            Ok(store) => Ok(store),
            // Another process may have been faster.
            Err(error) => match self.engine.get_object_store(&bucket).await {
                Ok(store) => Ok(store),
                Err(_) => Err(ClusterError::engine("keep a store of large values")(error)),
            },
        }
    }

    /// Puts a value into the store.
    pub(crate) async fn put(&self, name: &str, mut bytes: &[u8]) -> Result<(), ClusterError> {
        let store = self.store().await?;
        store.put(name, &mut bytes).await.map_err(ClusterError::engine("store a large value"))?;
        Ok(())
    }

    /// Gets a value from the store, if it is the one that it is said to be.
    pub(crate) async fn get(&self, name: &str, stored: Stored) -> Result<Vec<u8>, ClusterError> {
        let store = self.store().await?;
        let object = store.get(name).await;
        let object = object.map_err(ClusterError::engine("find a large value"))?;
        let mut bytes = Vec::new();
        let read = object.take(stored.len.saturating_add(1)).read_to_end(&mut bytes).await;
        read.map_err(ClusterError::engine("read a large value"))?;
        if bytes.len() as u64 != stored.len || Digest::of(&bytes) != stored.digest {
            let reason = "it is not what was stored".into();
            return Err(ClusterError::Engine { what: "read a large value", reason });
        }
        Ok(bytes)
    }

    /// The names of the values in the store, if there is one.
    pub(crate) async fn stored(&self) -> Result<Vec<String>, ClusterError> {
        let fails = "list large values";
        let Ok(store) = self.engine.get_object_store(self.names.store()).await else {
            return Ok(Vec::new());
        };
        let objects = store.list().await.map_err(ClusterError::engine(fails))?;
        let names = objects.map_ok(|object| object.name).try_collect().await;
        names.map_err(ClusterError::engine(fails))
    }

    /// Removes a value from the store.
    pub(crate) async fn remove(&self, name: &str) {
        // What cannot be removed now is too old some day.
        if let Ok(store) = self.store().await {
            let _ = store.delete(name).await;
        }
    }
}
