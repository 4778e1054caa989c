//! A queue that the servers keep.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{
    Config as StreamConfig, DiscardPolicy, RetentionPolicy, Stream,
};
use futures_util::StreamExt;
use mp_handle::Deadline;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bus::Bus;
use super::{check_name, open, seal};
use crate::error::ClusterError;

/// For how long the server is asked at once.
const SLICE: Duration = Duration::from_secs(5);

/// A queue of messages between machines: any number of producers and consumers, each message to
/// one of them, first in, first out.
///
/// When [`put`](Self::put) has returned, the servers have the message. A consumer that dies before
/// [`get`](Self::get) has returned leaves it to another, after the lease of the cluster
/// (`MP_CLUSTER_LEASE`).
///
/// It is that of the cluster which the environment names, and travels as its name: as an argument
/// of a task, too. Messages have to fit into one of the server's, a megabyte by default.
///
/// # Examples
///
/// ```
/// # if std::env::var_os("MP_CLUSTER").is_none() { return Ok(()); }
/// use mp_cluster::Queue;
///
/// let queue: Queue<String> = Queue::open("greetings")?;
/// queue.put(&"hello".to_owned())?;
/// assert_eq!(queue.get()?, "hello");
/// assert_eq!(queue.try_get()?, None);
/// # queue.delete()?;
/// # Ok::<(), mp_cluster::ClusterError>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Queue<T> {
    name: String,
    #[serde(skip)]
    messages: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// Opens the queue of this name, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The name has other than letters, digits, `-` and `_`, or the cluster cannot be reached.
    pub fn open(name: &str) -> Result<Self, ClusterError> {
        check_name(name)?;
        let queue = Self { name: name.into(), messages: PhantomData };
        let bus = Bus::get()?;
        let (name, stream) = (queue.stream_name(&bus), Arc::clone(&bus));
        bus.run(async move { stream_of(&stream, name).await.map(drop) })?;
        Ok(queue)
    }

    /// Puts a message into it.
    ///
    /// # Errors
    ///
    /// The message cannot be encoded or is too large, or the servers have not taken it in time; it
    /// may be there all the same then.
    pub fn put(&self, message: &T) -> Result<(), ClusterError> {
        let bus = Bus::get()?;
        let message = seal(&bus, &self.name, message)?;
        let (subject, own) = (self.stream_name(&bus), Arc::clone(&bus));
        bus.run(async move {
            let fails = "take a message";
            let sent = own.link.engine.publish(subject, message.into()).await;
            sent.map_err(ClusterError::engine(fails))?
                .await
                .map_err(ClusterError::engine(fails))?;
            Ok(())
        })
    }

    /// Takes the next message; waits for one if there is none.
    ///
    /// # Errors
    ///
    /// The servers do not answer, or what is there is not a message of this program.
    pub fn get(&self) -> Result<T, ClusterError> {
        loop {
            if let Some(message) = self.get_until(Deadline::after(SLICE))? {
                return Ok(message);
            }
        }
    }

    /// Takes the next message, if there is one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn try_get(&self) -> Result<Option<T>, ClusterError> {
        self.get_until(Deadline::now())
    }

    /// Takes the next message; waits for one no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<Option<T>, ClusterError> {
        self.get_until(Deadline::after(timeout))
    }

    fn get_until(&self, deadline: Deadline) -> Result<Option<T>, ClusterError> {
        let bus = Bus::get()?;
        loop {
            let left = deadline.remaining().unwrap_or(SLICE).min(SLICE);
            let (name, own) = (self.stream_name(&bus), Arc::clone(&bus));
            let taken = bus.run(async move { take(&own, name, left).await })?;
            if let Some(message) = taken {
                return open(&bus, &self.name, &message.payload).map(Some);
            }
            if deadline.is_expired() {
                return Ok(None);
            }
        }
    }

    /// How many messages are in it, those included that consumers have taken and not yet returned.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    pub fn len(&self) -> Result<u64, ClusterError> {
        let bus = Bus::get()?;
        let (name, own) = (self.stream_name(&bus), Arc::clone(&bus));
        bus.run(async move {
            let stream = stream_of(&own, name).await?;
            let info = stream.get_info().await.map_err(ClusterError::engine("count messages"))?;
            Ok(info.state.messages)
        })
    }

    /// Whether nothing is in it.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    pub fn is_empty(&self) -> Result<bool, ClusterError> {
        self.len().map(|messages| messages == 0)
    }

    /// Removes the queue, with all that is in it.
    ///
    /// # Errors
    ///
    /// The servers do not answer.
    #[doc(alias = "unlink")]
    pub fn delete(self) -> Result<(), ClusterError> {
        let bus = Bus::get()?;
        let (name, own) = (self.stream_name(&bus), Arc::clone(&bus));
        bus.run(async move {
            let deleted = own.link.engine.delete_stream(name).await;
            deleted.map(drop).map_err(ClusterError::engine("remove a queue"))
        })
    }

    /// The stream, and its only subject.
    fn stream_name(&self, bus: &Bus) -> String {
        format!("MP_QUEUE_{}_{}", bus.link.names.build(), self.name)
    }
}

async fn stream_of(bus: &Bus, name: String) -> Result<Stream, ClusterError> {
    let config = StreamConfig {
        subjects: vec![name.clone()],
        name,
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        num_replicas: bus.link.config.replicas,
        ..StreamConfig::default()
    };
    let stream = bus.link.engine.get_or_create_stream(config).await;
    stream.map_err(ClusterError::engine("keep a queue"))
}

/// Takes a message off the stream, if one comes in time.
async fn take(
    bus: &Bus,
    name: String,
    timeout: Duration,
) -> Result<Option<async_nats::Message>, ClusterError> {
    let fails = "give a message";
    let stream = stream_of(bus, name).await?;
    let config = pull::Config {
        durable_name: Some("consumers".into()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: bus.link.config.lease,
        max_ack_pending: -1,
        ..pull::Config::default()
    };
    let consumer: PullConsumer = stream
        .get_or_create_consumer("consumers", config)
        .await
        .map_err(ClusterError::engine(fails))?;
    let one = match timeout.is_zero() {
        true => consumer.fetch().max_messages(1).messages().await,
        false => consumer.batch().max_messages(1).expires(timeout).messages().await,
    };
    let mut one = one.map_err(ClusterError::engine(fails))?;
    let Some(message) = one.next().await else { return Ok(None) };
    let message = message.map_err(ClusterError::engine(fails))?;
    // From here on nobody else gets it.
    message.double_ack().await.map_err(ClusterError::engine(fails))?;
    Ok(Some(message.message))
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), messages: PhantomData }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("name", &self.name).finish()
    }
}
