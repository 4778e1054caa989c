//! What an agent says of itself, and what clients say that they do not want.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::AckKind;

use super::Agent;
use crate::message::{self, AgentBeat, Begun, ClientBeat, ClientId, Drop};

/// What has not ended by then is told of.
const LONG: Duration = Duration::from_millis(50);

/// A shared value that no task has had for so long is forgotten, and a client that was not heard.
const UNUSED: Duration = Duration::from_secs(60);

/// So many clients that have ended are remembered.
const MANY: usize = 4096;

impl Agent {
    /// Says that it is there, and how it is doing.
    pub(super) async fn beat(&mut self) {
        self.contexts.retain(|_, (used, _)| used.elapsed() < UNUSED);
        self.clients.retain(|_, heard| heard.elapsed() < 2 * UNUSED);
        if self.gone.len() > MANY {
            self.gone.clear();
        }
        let beat = AgentBeat {
            host: self.host.to_string(),
            pid: std::process::id(),
            workers: self.workers,
            held: self.held.len(),
            finished: self.finished,
            failed: self.failed,
            draining: self.is_draining,
        };
        if let Ok(message) = message::encode(&self.link.seal, message::AGENT, &beat) {
            self.link.tell(self.link.names.agents(), message).await;
        }
    }

    pub(super) fn hear_client(&mut self, payload: &[u8]) {
        let beat = message::decode::<ClientBeat>(&self.link.seal, message::CLIENT, payload);
        if let Some(beat) = beat {
            self.clients.insert(beat.client, Instant::now());
        }
    }

    /// Tells clients which of their chunks run, as far as these run for a while.
    pub(super) async fn tell_begun(&mut self) {
        let executor = Arc::clone(self.executor());
        let mut begun: HashMap<ClientId, Vec<u64>> = HashMap::new();
        for held in self.held.values_mut() {
            let Some(job) = &held.job else { continue };
            if !held.is_told && held.began.elapsed() >= LONG && executor.is_running(job) {
                held.is_told = true;
                begun.entry(held.client).or_default().push(held.number);
            }
        }
        for (client, numbers) in begun {
            if let Ok(message) =
                message::encode(&self.link.seal, message::BEGUN, &Begun { numbers })
            {
                self.link.tell(self.link.names.begun(client), message).await;
            }
        }
    }

    /// Drops what a client does not want any more.
    pub(super) async fn hear_drop(&mut self, payload: &[u8]) {
        let Some(drop) = message::decode::<Drop>(&self.link.seal, message::DROP, payload) else {
            return;
        };
        let keys: Vec<u64> = if drop.numbers.is_empty() {
            self.clients.remove(&drop.client);
            self.gone.insert(drop.client);
            let of_client = self.held.iter().filter(|(_, held)| held.client == drop.client);
            of_client.map(|(&key, _)| key).collect()
        } else {
            let key = |&number: &u64| self.keys.get(&(drop.client, number)).copied();
            let keys = drop.numbers.iter().filter_map(key).collect();
            // What is still to come need not be run either.
            drop.numbers.iter().for_each(|&number| self.recent.add(drop.client, number));
            keys
        };
        self.drop_chunks(keys, drop.kill).await;
    }

    /// Drops chunks that nobody wants any more.
    pub(super) async fn drop_chunks(&mut self, keys: Vec<u64>, kill: bool) {
        let executor = Arc::clone(self.executor());
        // First what has not begun: nothing of it is to take the place of what is killed.
        let mut begun = Vec::new();
        for key in keys {
            let Some(held) = self.held.get_mut(&key) else { continue };
            held.is_dropped = true;
            if let Some(job) = &held.job {
                if !executor.cancel(job) {
                    begun.push(Arc::clone(job));
                }
            } else if let Some(held) = self.release(key) {
                self.acknowledge(&held.lease, AckKind::Term).await;
            }
        }
        // What may go on ends with an answer that nobody wants.
        if kill {
            for job in begun {
                executor.kill(&job);
            }
        }
    }
}
