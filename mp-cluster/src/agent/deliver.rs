//! From the workers back to the client: results that the server has taken, and then the end of the
//! lease.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::AckKind;
use mp_pool::{Job, TaskErrorKind, encode_failure};

use super::{Agent, News, unencodable};
use crate::message::{ClientId, Digest, Returned, Stored, encode_results};
use crate::values;

/// How many messages of answers may be on their way: what ends meanwhile goes together.
const AT_ONCE: usize = 4;
/// How many bytes of answers go into one message.
const TOGETHER: usize = 128 << 10;
/// What a message has beside the answers.
const ROOM: usize = 4 << 10;
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(200);

impl Agent {
    /// Tells the server about a lease.
    pub(super) async fn acknowledge(&self, lease: &Subject, kind: AckKind) {
        // If it does not hear that, the lease is over by itself.
        let _ = self.link.client.publish(lease.clone(), kind.into()).await;
    }

    /// All items of a chunk have their answers.
    pub(super) async fn end(&mut self, key: u64, job: &Arc<Job>) {
        let Some(held) = self.held.get(&key) else { return };
        self.pace.count();
        let failure = job.first_failure();
        let was_cancelled =
            matches!(&failure, Some(error) if error.kind == TaskErrorKind::Cancelled);
        if held.is_dropped || was_cancelled {
            // Nobody wants it, or it is for another agent.
            let kind = if held.is_dropped { AckKind::Term } else { AckKind::Nak(None) };
            if let Some(held) = self.release(key) {
                self.acknowledge(&held.lease, kind).await;
            }
            return;
        }
        self.finished += job.count() as u64;
        self.failed += u64::from(failure.is_some());
        let answers =
            job.encode().or_else(|error| encode_failure(job.count(), &unencodable(&error)));
        self.answer(key, answers.map(|answers| answers.bytes().to_vec()).unwrap_or_default());
    }

    /// Puts answers to those that are to be sent.
    pub(super) fn answer(&mut self, key: u64, answers: Vec<u8>) {
        let Some(held) = self.held.get(&key) else { return };
        self.answers.entry(held.client).or_default().push((key, answers));
    }

    /// Sends what there is, unless enough is on its way.
    pub(super) fn send_answers(&mut self) {
        while self.delivering < AT_ONCE
            && let Some(&client) = self.answers.keys().next()
        {
            let mut answers = self.answers.remove(&client).unwrap_or_default();
            let mut bytes = 0;
            let mut fits = |(_, answer): &(u64, Vec<u8>)| {
                bytes += answer.len();
                bytes <= TOGETHER
            };
            let rest = answers.split_off(answers.iter().take_while(|it| fits(it)).count().max(1));
            if !rest.is_empty() {
                self.answers.insert(client, rest);
            }
            self.send_message(client, answers);
        }
    }

    /// Sends some answers to a client, in one message.
    fn send_message(&mut self, client: ClientId, answers: Vec<(u64, Vec<u8>)>) {
        let keys: Vec<u64> = answers.iter().map(|(key, _)| *key).collect();
        let number = |key: &u64| self.held.get(key).map(|held| held.number);
        let room = self.link.client.max_payload().saturating_sub(ROOM);
        let mut large = None;
        let results: Vec<(u64, Returned<Vec<u8>>)> = answers
            .into_iter()
            .filter_map(|(key, answer)| {
                let number = number(&key)?;
                if answer.len() <= room {
                    return Some((number, Returned::Answers(answer)));
                }
                let stored = Stored { digest: Digest::of(&answer), len: answer.len() as u64 };
                // It is alone in its message.
                large = Some((values::result(client, number), answer));
                Some((number, Returned::Stored(stored)))
            })
            .collect();
        let message = encode_results(client, &self.host, &results);
        let delivery = self.deliver(client, message);
        let (news, link) = (self.news.clone(), self.link.clone());
        self.delivering += 1;
        tokio::spawn(async move {
            if let Some((name, answer)) = large {
                while link.put(&name, &answer).await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            delivery.await;
            let _ = news.send(News::Delivered(keys));
        });
    }

    /// Sends a message until the server has taken it.
    pub(super) fn deliver(
        &self,
        client: ClientId,
        mut message: Vec<u8>,
    ) -> impl Future<Output = ()> + Send + use<> {
        self.link.seal.close(&mut message);
        let (link, subject) = (self.link.clone(), self.link.names.results_of(client));
        async move {
            let message =
                async_nats::jetstream::message::PublishMessage::build().payload(message.into());
            loop {
                let sent = link.engine.send_publish(subject.clone(), message.clone()).await;
                if let Ok(answer) = sent
                    && answer.await.is_ok()
                {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
                // The stream may be gone.
                let _ = link.results().await;
            }
        }
    }

    /// The server has taken the answers of some chunks.
    pub(super) async fn delivered(&mut self, keys: Vec<u64>) {
        self.delivering -= 1;
        for key in keys {
            if let Some(held) = self.release(key) {
                self.recent.add(held.client, held.number);
                self.acknowledge(&held.lease, AckKind::Ack).await;
            }
        }
    }
}
