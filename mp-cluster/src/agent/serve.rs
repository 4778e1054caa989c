//! The loop of an agent: whatever comes next.

use std::time::{Duration, Instant};

use async_nats::jetstream::AckKind;
use async_nats::{StatusCode, Subscriber};
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::{Agent, Heard, News};
use crate::error::ClusterError;

/// How much news is taken at once.
const NEWS: usize = 256;

const BEAT: Duration = Duration::from_secs(1);
const TELL: Duration = Duration::from_millis(100);
const SILENCE: Duration = Duration::from_secs(15);

/// Where an agent hears of something.
struct Ears {
    tasks: Subscriber,
    hello: Subscriber,
    clients: Subscriber,
    drops: Subscriber,
    terminate: Signal,
    interrupt: Signal,
    lease: Interval,
    beat: Interval,
    tell: Interval,
    silence: Interval,
}

/// The first tick comes after a whole period.
fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(tokio::time::Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Agent {
    async fn listen(&self, inbox: &str) -> Result<Ears, ClusterError> {
        let subscribe = async |subject: String| {
            let subscribed = self.link.client.subscribe(subject).await;
            subscribed.map_err(ClusterError::engine("be listened to"))
        };
        let handle = |kind| signal(kind).map_err(ClusterError::system("handle signals"));
        Ok(Ears {
            tasks: subscribe(format!("{inbox}.*")).await?,
            hello: subscribe(self.link.names.hello()).await?,
            clients: subscribe(self.link.names.clients()).await?,
            drops: subscribe(self.link.names.drops()).await?,
            terminate: handle(SignalKind::terminate())?,
            interrupt: handle(SignalKind::interrupt())?,
            lease: every(self.link.config.lease / 3),
            beat: every(BEAT),
            tell: every(TELL),
            silence: every(SILENCE),
        })
    }

    /// Serves until it was told to end, and has nothing left.
    pub(super) async fn serve(mut self, mut heard: Heard) -> Result<(), ClusterError> {
        let inbox = self.link.client.new_inbox();
        let mut ears = self.listen(&inbox).await?;
        let mut health = self.link.health.clone();
        self.join().await;
        self.beat().await;
        let mut news = Vec::with_capacity(NEWS);
        while !(self.is_draining && self.held.is_empty()) {
            self.ask(&inbox).await;
            tokio::select! {
                biased;
                _ = ears.terminate.recv() => self.drain(&mut ears).await,
                _ = ears.interrupt.recv() => self.drain(&mut ears).await,
                _ = heard.recv_many(&mut news, NEWS) => self.hear(&mut news).await,
                _ = ears.lease.tick() => self.extend_leases().await,
                Some(message) = ears.drops.next() => self.hear_drop(&message.payload).await,
                Some(message) = ears.tasks.next() => self.hear_server(message).await,
                Some(_) = ears.hello.next() => self.beat().await,
                Some(message) = ears.clients.next() => self.hear_client(&message.payload),
                _ = ears.beat.tick() => self.beat().await,
                _ = ears.tell.tick() => self.tell_begun().await,
                _ = ears.silence.tick() => self.look_for_silent().await,
                Ok(()) = health.changed() => {
                    if health.borrow().refused && !self.link.is_connected() {
                        let servers = self.link.config.server_names();
                        return Err(ClusterError::Refused { servers });
                    }
                    // What was asked for is forgotten with the connection, and nobody was heard.
                    self.began = Instant::now();
                    self.join().await;
                }
            }
        }
        self.beat().await;
        let _ = self.link.client.flush().await;
        Ok(())
    }

    /// Something from the stream of tasks: a chunk, or the end of a request.
    async fn hear_server(&mut self, message: async_nats::Message) {
        match message.status {
            None => self.receive(message).await,
            Some(StatusCode::NO_RESPONDERS) => self.join().await,
            Some(_) => {
                let is_urgent = message.subject.ends_with(".urgent");
                let is_gone = message
                    .description
                    .as_deref()
                    .is_some_and(|text| text.contains("Deleted") || text.contains("Leadership"));
                self.pulls[usize::from(!is_urgent)].end(&message);
                if is_gone {
                    self.join().await;
                }
            }
        }
    }

    /// Takes what other threads and tasks have told.
    async fn hear(&mut self, news: &mut Vec<News>) {
        for news in news.drain(..) {
            match news {
                News::Ended(key, job) => self.end(key, &job).await,
                News::Clients(clients) => self.bury(clients),
                News::Delivered(keys) => self.delivered(keys).await,
                News::Announced(key) => self.prepare(key),
                News::Fetched(key, Ok(fetched)) => self.start(key, fetched),
                News::Fetched(key, Err(_)) => {
                    // The store has lost it: the client misses the task, and sends both again.
                    if let Some(held) = self.release(key) {
                        self.acknowledge(&held.lease, AckKind::Term).await;
                    }
                }
            }
        }
        self.send_answers();
        self.try_suspects();
    }

    /// Says that whatever is held is being worked on.
    async fn extend_leases(&self) {
        for held in self.held.values() {
            self.acknowledge(&held.lease, AckKind::Progress).await;
        }
    }

    /// Takes nothing new, and gives back what has not begun; the second time, all of it.
    async fn drain(&mut self, ears: &mut Ears) {
        if std::mem::replace(&mut self.is_draining, true) {
            self.pool.terminate();
            return;
        }
        // Nothing comes to a request that nobody waits for.
        let _ = ears.tasks.unsubscribe().await;
        self.executor().cancel_pending();
        let waiting = self.held.iter().filter(|(_, held)| held.message.is_some());
        let waiting: Vec<u64> = waiting.map(|(&key, _)| key).collect();
        for key in waiting {
            if let Some(held) = self.release(key) {
                self.acknowledge(&held.lease, AckKind::Nak(None)).await;
            }
        }
        self.beat().await;
    }
}
