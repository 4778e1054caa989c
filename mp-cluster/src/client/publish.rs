//! Handing chunks over to the server, as often as it takes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;

use super::outgoing::{Outgoing, Value, order_of};
use super::{Core, Kept};
use crate::error::ClusterError;
use crate::link::NotTaken;
use crate::message::Digest;
use crate::values;

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(250);

/// A value that no chunk has needed for so long is removed.
const UNNEEDED: Duration = Duration::from_secs(10);

impl Core {
    /// Hands a chunk over. It returns when the message is on its way; that it has arrived is seen
    /// to beside.
    pub(super) async fn publish(self: &Arc<Self>, outgoing: Outgoing) {
        if !self.is_wanted(outgoing.number) {
            return self.table().forget(outgoing.number);
        }
        let core = Arc::clone(self);
        if !outgoing.values.is_empty() {
            tokio::spawn(async move {
                core.put_values(&outgoing).await;
                let first = core.send(&outgoing).await;
                core.confirm(outgoing, first).await;
            });
            return;
        }
        let first = self.send(&outgoing).await;
        tokio::spawn(async move { core.confirm(outgoing, first).await });
    }

    fn is_wanted(&self, number: u64) -> bool {
        self.table().get(number).is_some()
    }

    /// Has the server forget chunks that it has not given to an agent, and those that it has.
    pub(super) async fn delete(&self, sequences: Vec<u64>) {
        let Ok(tasks) = self.link.tasks().await else { return };
        for sequence in sequences {
            // One that has ended is not there any more.
            let _ = tasks.delete_message(sequence).await;
        }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<PublishAckFuture, NotTaken> {
        let message = PublishMessage::build()
            .payload(outgoing.message.clone().into())
            .message_id(&outgoing.id);
        let subject = self.link.names.tasks_of(outgoing.lane, self.id);
        self.link.engine.send_publish(subject, message).await
    }

    /// Waits until the server has it, and sends it again until it has.
    async fn confirm(&self, outgoing: Outgoing, mut sent: Result<PublishAckFuture, NotTaken>) {
        loop {
            if let Ok(answer) = sent
                && let Ok(taken) = answer.await
            {
                let is_given_up = self.table().confirm(outgoing.number, taken.sequence);
                if is_given_up {
                    self.delete(vec![taken.sequence]).await;
                }
                return;
            }
            tokio::time::sleep(PAUSE).await;
            if !self.is_wanted(outgoing.number) {
                return self.table().forget(outgoing.number);
            }
            sent = self.send(&outgoing).await;
        }
    }

    /// Stores what a chunk needs, unless it is there.
    async fn put_values(&self, outgoing: &Outgoing) {
        for value in &outgoing.values {
            let digest = value.stored.digest;
            let is_there = {
                let mut stored = self.stored();
                let is_there = stored.contains_key(&digest);
                if let Some(kept) = stored.get_mut(&digest) {
                    kept.chunks.insert(outgoing.number);
                }
                is_there
            };
            if is_there {
                continue;
            }
            while let Err(_later) = self.put_value(value).await {
                tokio::time::sleep(PAUSE).await;
                if !self.is_wanted(outgoing.number) {
                    return;
                }
            }
            let kept = Kept { chunks: HashSet::new(), needed: Instant::now() };
            self.stored().entry(digest).or_insert(kept).chunks.insert(outgoing.number);
        }
    }

    async fn put_value(&self, value: &Value) -> Result<(), ClusterError> {
        self.link.put(&values::argument(self.id, value.stored.digest), value.bytes()).await
    }

    /// Hands over once more what the server has lost, or all of it.
    pub(super) async fn publish_again(self: &Arc<Self>) {
        // The store may be lost as well.
        self.stored().clear();
        let again: Vec<Outgoing> = {
            let mut table = self.table();
            let lost = table.iter().filter(|(_, unfinished)| !unfinished.is_fetched);
            let numbers: Vec<u64> = lost.map(|(number, _)| number).collect();
            numbers
                .into_iter()
                .filter_map(|number| {
                    let unfinished = table.get_mut(number)?;
                    unfinished.epoch += 1;
                    unfinished.sequence = None;
                    let order = order_of(&unfinished.chunk).ok()?;
                    Some(self.encode(number, unfinished.epoch, &unfinished.chunk, order.bytes()))
                })
                .collect()
        };
        for outgoing in again {
            self.publish(outgoing).await;
        }
    }

    /// Removes stored values that no chunk needs any more.
    pub(super) async fn remove_unneeded(&self) {
        {
            let table = self.table();
            for kept in self.stored().values_mut() {
                kept.chunks.retain(|&number| table.get(number).is_some());
                if !kept.chunks.is_empty() {
                    kept.needed = Instant::now();
                }
            }
        }
        self.remove_values(|kept| kept.chunks.is_empty() && kept.needed.elapsed() > UNNEEDED).await;
    }

    pub(super) async fn remove_values(&self, is_over: impl Fn(&Kept) -> bool) {
        let over: Vec<Digest> = {
            let mut stored = self.stored();
            let over = stored.iter().filter(|(_, kept)| is_over(kept));
            let over: Vec<_> = over.map(|(&digest, _)| digest).collect();
            over.iter().for_each(|digest| drop(stored.remove(digest)));
            over
        };
        for digest in over {
            self.link.remove(&values::argument(self.id, digest)).await;
        }
    }
}
