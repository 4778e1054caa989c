//! Clients that ask at the same time, a thread each.

use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

/// What is done to an item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Get,
    Set,
}

impl Verb {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
        }
    }
}

/// One connection to a dict from text to numbers.
pub(super) trait Client: Send {
    fn get(&mut self, key: &str) -> Result<u64>;
    fn set(&mut self, key: &str, value: u64) -> Result<()>;
    fn update(&mut self, items: &[(String, u64)]) -> Result<()>;
}

/// As many as ask at once. Every key that they use is there.
pub(super) struct Clients<C> {
    clients: Vec<C>,
    keys: Vec<String>,
}

impl<C: Client> Clients<C> {
    pub(super) fn new(mut clients: Vec<C>) -> Result<Self> {
        let keys: Vec<_> = (0..100).map(|n| format!("key-{n}")).collect();
        for client in &mut clients {
            keys.iter().try_for_each(|key| client.set(key, 0))?;
        }
        Ok(Self { clients, keys })
    }

    /// How long they take for `count` operations together.
    pub(super) fn seconds(&mut self, verb: Verb, count: usize) -> Result<f64> {
        let (each, keys) = (count / self.clients.len(), &self.keys);
        let begin = Instant::now();
        thread::scope(|scope| {
            let start = |client| scope.spawn(move || work(client, verb, each, keys));
            let threads: Vec<_> = self.clients.iter_mut().map(start).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<()>>| {
                thread.join().map_err(|_| anyhow!("a client panicked"))?
            };
            threads.into_iter().try_for_each(join)
        })?;
        Ok(begin.elapsed().as_secs_f64())
    }
}

fn work(client: &mut impl Client, verb: Verb, count: usize, keys: &[String]) -> Result<()> {
    for (n, key) in keys.iter().cycle().take(count).enumerate() {
        match verb {
            Verb::Get => drop(client.get(key)?),
            Verb::Set => client.set(key, n as u64)?,
        }
    }
    Ok(())
}
