//! Taking results, from a stream that is opened anew wherever it broke off.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use mp_pool::{TaskError, TaskErrorKind};
use mp_process::ExitStatus;

use super::{Command, Core};
use crate::message::{ResultMessage, Returned, Stored};
use crate::values;

/// How many messages are asked for at once.
const BATCH: usize = 256;
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(200);
/// A server that says nothing for twice as long has lost the consumer.
const HEARTBEAT: Duration = Duration::from_secs(2);
const EXPIRES: Duration = Duration::from_secs(20);
/// How often what was taken is removed.
const PURGE: Duration = Duration::from_secs(1);
/// A consumer whose client is gone is kept for so long.
const FORGET: Duration = Duration::from_secs(60);

/// Takes results for as long as the client lives.
pub(super) async fn run(core: Arc<Core>) {
    let mut made = None;
    loop {
        if let Ok(stream) = core.link.results().await {
            let created = stream.cached_info().created;
            if made.replace(created).is_some_and(|before| before != created) {
                // It is another stream, of the same name.
                core.cursor.store(0, Ordering::Relaxed);
            }
            // Whatever it was, the next try begins behind what was taken.
            let _ = core.take_all(&stream).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Core {
    /// Takes results until something breaks.
    async fn take_all(self: &Arc<Self>, stream: &Stream) -> Result<(), async_nats::Error> {
        let mut health = self.link.health.clone();
        health.mark_unchanged();
        let start_sequence = self.cursor.load(Ordering::Relaxed) + 1;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ack_policy: AckPolicy::None,
            filter_subject: self.link.names.results_of(self.id),
            inactive_threshold: FORGET,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await?;
        let messages = consumer.stream().max_messages_per_batch(BATCH).expires(EXPIRES);
        let messages = messages.heartbeat(HEARTBEAT).messages().await;
        let mut messages = messages?;
        let (mut taken, mut purged) = (0, Instant::now());
        loop {
            let message = tokio::select! {
                // What was on its way when the connection broke is lost.
                _ = health.changed() => return Ok(()),
                message = messages.next() => message,
            };
            let Some(message) = message else { return Ok(()) };
            let message = message?;
            let (number, sequence) = {
                let info = message.info()?;
                (info.consumer_sequence, info.stream_sequence)
            };
            taken += 1;
            if number != taken {
                // Something before it got lost.
                return Ok(());
            }
            self.take_message(&message.payload);
            self.cursor.store(sequence, Ordering::Relaxed);
            if purged.elapsed() >= PURGE {
                purged = Instant::now();
                let (core, stream) = (Arc::clone(self), stream.clone());
                tokio::spawn(async move {
                    let own = core.link.names.results_of(core.id);
                    core.link.purge(&stream, own, Some(sequence)).await;
                });
            }
        }
    }

    /// Takes the results of a message, if it is a right one.
    fn take_message(self: &Arc<Self>, sealed: &[u8]) {
        let message = self.link.seal.open(sealed).and_then(ResultMessage::decode);
        let Some(message) = message.filter(|message| message.client == self.id) else { return };
        for (number, returned) in message.results {
            match returned {
                Returned::Answers(answers) => self.take_answers(number, answers, &message.host),
                Returned::Stored(stored) => self.fetch(number, stored, Arc::clone(&message.host)),
                Returned::Again => self.count_attempt(number),
            }
        }
        self.changed.notify_all();
        self.callbacks.wake_all();
    }

    /// Gives the answers to the call, unless they have come before.
    fn take_answers(&self, number: u64, answers: &[u8], host: &Arc<str>) {
        let mut table = self.table();
        let Some(unfinished) = table.remove(number) else { return };
        let chunk = &unfinished.chunk;
        table.finished += chunk.places().len() as u64;
        let is_done = table.is_done();
        drop(table);
        self.journal().note(chunk.places(), answers, host);
        if chunk.job().put_encoded(chunk.places(), answers, host).is_err() {
            let reason = "what came as the result is none";
            chunk.fail(&TaskErrorKind::undecodable(reason).into());
        }
        if is_done {
            self.command(Command::Look);
        }
    }

    /// Gets answers from the store.
    fn fetch(self: &Arc<Self>, number: u64, stored: Stored, host: Arc<str>) {
        match self.table().get_mut(number) {
            Some(unfinished) if !unfinished.is_fetched => unfinished.is_fetched = true,
            _ => return,
        }
        let core = Arc::clone(self);
        tokio::spawn(async move {
            let name = values::result(core.id, number);
            match core.link.get(&name, stored).await {
                Ok(answers) => {
                    core.take_answers(number, &answers, &host);
                    core.changed.notify_all();
                    core.callbacks.wake_all();
                }
                // It is run once more when the audit finds that nobody has it.
                Err(_lost) => {
                    if let Some(unfinished) = core.table().get_mut(number) {
                        unfinished.is_fetched = false;
                    }
                }
            }
            core.link.remove(&name).await;
        });
    }

    /// An agent is about to begin a chunk whose last agent was lost.
    fn count_attempt(&self, number: u64) {
        let mut table = self.table();
        let Some(unfinished) = table.get_mut(number) else { return };
        unfinished.attempts += 1;
        if unfinished.attempts <= self.link.config.attempts {
            return;
        }
        // All of these were begun and lost; the one that is about to begin is called off.
        let attempts = unfinished.attempts - 1;
        let Some(unfinished) = table.remove(number) else { return };
        table.lost += unfinished.chunk.places().len() as u64;
        drop(table);
        let kind = TaskErrorKind::worker_lost(ExitStatus::Unknown, attempts);
        unfinished.chunk.fail(&TaskError::from(kind));
        let sequences = unfinished.sequence.into_iter().collect();
        let (told, _) = mpsc::channel();
        self.command(Command::Drop { numbers: vec![number], sequences, kill: true, told });
    }
}
