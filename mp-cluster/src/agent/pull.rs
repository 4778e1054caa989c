//! Asking the server for chunks, as many as there is room for.

use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::{HeaderMap, Message};

use super::Agent;
use crate::names::Lane;

/// For how long an agent waits for its server to be there.
pub(super) const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the server may keep a request.
const EXPIRES: Duration = Duration::from_secs(5);
/// A request that nobody has ended by then was lost.
const LOST: Duration = Duration::from_secs(8);
/// The most bytes that one request gets.
const BYTES: usize = 64 << 20;

/// The header of a request that has ended early: how much of it is left.
const LEFT: &str = "Nats-Pending-Messages";

/// What an agent asks for of one lane. There is one request at a time.
#[derive(Debug, Default)]
pub(super) struct Pull {
    pub(super) consumer: Option<PullConsumer>,
    /// How many chunks are still to come of the request.
    open: usize,
    asked: Option<Instant>,
}

impl Pull {
    /// A chunk has come.
    pub(super) fn receive(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Nothing more comes of the request.
    pub(super) fn forget(&mut self) {
        self.open = 0;
    }

    fn is_open(&self) -> bool {
        self.open > 0 && self.asked.is_some_and(|asked| asked.elapsed() < LOST)
    }

    /// The request was ended by the server, with this status.
    pub(super) fn end(&mut self, message: &Message) {
        let left = message.headers.as_ref().and_then(left_in);
        match left {
            // What came of it may still be on its way.
            Some(left) => self.open = self.open.saturating_sub(left),
            None => self.open = 0,
        }
    }
}

fn left_in(headers: &HeaderMap) -> Option<usize> {
    headers.get(LEFT)?.as_str().parse().ok()
}

impl Agent {
    /// Asks for chunks of each lane, if there is room.
    pub(super) async fn ask(&mut self, inbox: &str) {
        if self.is_draining {
            return;
        }
        let wanted = self.pace.wanted();
        for lane in Lane::ALL {
            let held = self.held_of[lane as usize];
            let pull = &mut self.pulls[lane as usize];
            let room = wanted.saturating_sub(held);
            // Small requests cost as much as large ones.
            if pull.is_open() || room == 0 || room < wanted / 4 {
                continue;
            }
            let Some(consumer) = &pull.consumer else { continue };
            let config = BatchConfig {
                batch: room,
                max_bytes: BYTES,
                expires: Some(EXPIRES),
                ..BatchConfig::default()
            };
            if consumer
                .request_batch(config, format!("{inbox}.{}", lane.name()).into())
                .await
                .is_ok()
            {
                (pull.open, pull.asked) = (room, Some(Instant::now()));
            }
        }
    }

    /// Makes the consumers, if the server does not have them.
    pub(super) async fn join(&mut self) {
        for lane in Lane::ALL {
            let consumer = self.link.consumer(lane).await.ok();
            let pull = &mut self.pulls[lane as usize];
            pull.forget();
            pull.consumer = consumer.or(pull.consumer.take());
        }
    }
}
