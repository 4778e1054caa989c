//! From a message to the workers: what is to be run, what it needs, and whether anybody wants it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Message;
use async_nats::jetstream::AckKind;
use mp_handle::Parcel;
use mp_pool::{Context, Order, TaskError, TaskErrorKind, encode_failure};

use super::held::Held;
use super::{Agent, News, unencodable};
use crate::allowed::{self, Allowed, Share};
use crate::error::ClusterError;
use crate::message::{Body, Digest, Stored, TaskMessage};
use crate::names::Lane;
use crate::values;

/// How often a value is asked for that cannot be had at once.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);

/// How many decoded orders are kept.
const ORDERS: usize = 256;

/// What was in the store for a chunk.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    items: Option<Vec<u8>>,
    context: Option<(Digest, Arc<Context>)>,
}

impl Agent {
    /// Takes a message of the stream of tasks.
    pub(super) async fn receive(&mut self, message: Message) {
        let lane =
            if message.subject.contains(".task.urgent.") { Lane::Urgent } else { Lane::Normal };
        self.pulls[lane as usize].receive();
        let Some(lease) = message.reply.clone() else { return };
        let task = self.link.seal.open(&message.payload).and_then(TaskMessage::decode);
        let Some((client, number)) = task.as_ref().map(|task| (task.client, task.number)) else {
            // Nobody who knows the secret has sent it.
            return self.acknowledge(&lease, AckKind::Term).await;
        };
        if self.recent.contains(client, number) {
            return self.acknowledge(&lease, AckKind::Ack).await;
        }
        if let Some(held) = self.keys.get(&(client, number)).and_then(|key| self.held.get_mut(key))
        {
            // Its lease was over before it could be extended, and nobody else has it.
            held.lease = lease;
            return;
        }
        if self.is_draining {
            return self.acknowledge(&lease, AckKind::Nak(None)).await;
        }
        if self.is_silent(client) {
            // If it is there after all, it misses the task and sends it again.
            return self.acknowledge(&lease, AckKind::Term).await;
        }
        let deliveries = deliveries(&lease);
        self.next_key += 1;
        let key = self.next_key;
        self.keys.insert((client, number), key);
        self.held_of[lane as usize] += 1;
        let held = Held {
            client,
            number,
            lane,
            lease,
            deliveries,
            message: Some(message),
            began: Instant::now(),
            job: None,
            is_told: false,
            is_dropped: false,
            is_suspect: false,
        };
        self.held.insert(key, held);
        if deliveries > 1 {
            self.suspects.add(key);
            self.try_suspects();
        } else {
            self.prepare(key);
        }
    }

    /// Gets what a chunk needs from the store, or starts it.
    pub(super) fn prepare(&mut self, key: u64) {
        let Some(held) = self.held.get(&key) else { return };
        let (client, Some(message)) = (held.client, held.message.clone()) else { return };
        let opened = self.link.seal.open(&message.payload).and_then(TaskMessage::decode);
        let Some(task) = opened else { return };
        let Ok((_, share)) = self.order(&task) else {
            // Nothing is needed to refuse it.
            return self.start(key, Fetched::default());
        };
        let context =
            task.context.filter(|(stored, _)| !self.contexts.contains_key(&stored.digest));
        let items = match task.body {
            Body::Stored(stored) => Some(stored),
            Body::Inline(_) => None,
        };
        if context.is_none() && items.is_none() {
            return self.start(key, Fetched::default());
        }
        let (link, news) = (self.link.clone(), self.news.clone());
        tokio::spawn(async move {
            let get = async |stored: Stored| {
                let name = values::argument(client, stored.digest);
                let mut got = link.get(&name, stored).await;
                for _ in 1..TRIES {
                    if got.is_ok() {
                        break;
                    }
                    tokio::time::sleep(PAUSE).await;
                    got = link.get(&name, stored).await;
                }
                got
            };
            let fetch = async {
                let mut fetched = Fetched::default();
                if let Some((stored, head)) = context {
                    let parcel = Parcel::from_parts(get(stored).await?, Vec::new());
                    fetched.context = share(parcel, head).map(|value| (stored.digest, value));
                }
                if let Some(stored) = items {
                    fetched.items = Some(get(stored).await?);
                }
                Ok::<_, ClusterError>(fetched)
            };
            let _ = news.send(News::Fetched(key, fetch.await));
        });
    }

    /// Gives a chunk to the workers.
    pub(super) fn start(&mut self, key: u64, fetched: Fetched) {
        if let Some((digest, context)) = fetched.context {
            self.contexts.entry(digest).or_insert((Instant::now(), context));
        }
        let Some(held) = self.held.get_mut(&key) else { return };
        held.began = Instant::now();
        let Some(message) = held.message.take() else { return };
        let opened = self.link.seal.open(&message.payload).and_then(TaskMessage::decode);
        let Some(task) = opened else { return };
        let count = task.table.len() / 4;
        if let Err(error) = self.run(key, &task, fetched.items) {
            self.refuse(key, count, &error);
        }
    }

    fn run(
        &mut self,
        key: u64,
        task: &TaskMessage<'_>,
        fetched: Option<Vec<u8>>,
    ) -> Result<(), TaskError> {
        let (order, _) = self.order(task)?;
        let context = task.context.and_then(|(stored, _)| {
            let (used, context) = self.contexts.get_mut(&stored.digest)?;
            *used = Instant::now();
            Some(Arc::clone(context))
        });
        let items = match (task.body, fetched) {
            (_, Some(items)) => items,
            (Body::Inline(items), None) => items.to_vec(),
            (Body::Stored(_), None) => Vec::new(),
        };
        let news = self.news.clone();
        let done = move |job| drop(news.send(News::Ended(key, job)));
        let job = self.executor().relay(&order, context, task.table.to_vec(), items, done)?;
        if let Some(held) = self.held.get_mut(&key) {
            held.job = Some(job);
        }
        Ok(())
    }

    /// Decodes an order, or finds it among those of before; and how the value is had that its tasks
    /// share.
    fn order(&mut self, task: &TaskMessage<'_>) -> Result<(Order, Share), TaskError> {
        let bytes = task.order;
        if let Some(known) = self.orders.get(bytes) {
            return Ok(*known);
        }
        let decoded = Parcel::from_parts(bytes.to_vec(), Vec::new()).decode::<Order>();
        let mut order = decoded.map_err(|error| TaskErrorKind::undecodable(error.to_string()))?;
        let Allowed { routine, share } = allowed::admit(order.routine)
            .ok_or_else(|| TaskErrorKind::not_allowed(task.function))?;
        order.routine = routine;
        if self.orders.len() >= ORDERS {
            self.orders.clear();
        }
        self.orders.insert(bytes.to_vec(), (order, share));
        Ok((order, share))
    }

    /// Answers for a chunk that the workers do not take.
    fn refuse(&mut self, key: u64, count: usize, error: &TaskError) {
        let error = error.clone().on(Arc::clone(&self.host));
        let answers = encode_failure(count, &error)
            .or_else(|error| encode_failure(count, &unencodable(&error)));
        self.failed += count as u64;
        self.answer(key, answers.map(|answers| answers.bytes().to_vec()).unwrap_or_default());
        // No worker will tell anything that would have it sent.
        self.send_answers();
    }
}

/// How often a message was delivered, this time included: the subject of its lease says so.
fn deliveries(lease: &str) -> u64 {
    let tokens: Vec<_> = lease.split('.').collect();
    // Newer servers put domain and account before the stream.
    let at = if tokens.len() >= 11 { 6 } else { 4 };
    tokens.get(at).and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::deliveries;

    #[test]
    fn the_number_of_deliveries_is_read_in_both_forms() {
        assert_eq!(deliveries("$JS.ACK.stream.consumer.3.10.11.1700000000.7"), 3);
        assert_eq!(deliveries("$JS.ACK._.hash.stream.consumer.2.10.11.1700000000.7.token"), 2);
        assert_eq!(deliveries("nonsense"), 1);
    }
}
