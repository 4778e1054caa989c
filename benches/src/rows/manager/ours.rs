//! Our manager. The clients of one process share a connection.

use anyhow::{Context, Result};
use mp_manager::{DictProxy, Manager};

use super::clients::Client;

/// One proxy of the dict, which keeps the server.
pub(super) struct Ours {
    dict: DictProxy<String, u64>,
    _manager: Manager,
}

impl Ours {
    pub(super) fn start(how_many: usize) -> Result<Vec<Self>> {
        let manager = Manager::start()?;
        let dict = manager.dict()?;
        Ok(Self::clients(how_many, &manager, &dict))
    }

    /// As clients of another program, which has one connection as well.
    pub(super) fn start_tcp(how_many: usize) -> Result<Vec<Self>> {
        let manager = Manager::builder().key("benchmark").start()?;
        let address = manager.address()?.context("a server with a key has an address")?;
        let dict = Manager::connect(address, "benchmark")?.dict()?;
        Ok(Self::clients(how_many, &manager, &dict))
    }

    fn clients(how_many: usize, manager: &Manager, dict: &DictProxy<String, u64>) -> Vec<Self> {
        let client = |_| Self { dict: dict.clone(), _manager: manager.clone() };
        (0..how_many).map(client).collect()
    }
}

impl Client for Ours {
    fn get(&mut self, key: &str) -> Result<u64> {
        self.dict.get(key)?.context("an item that was set")
    }

    fn set(&mut self, key: &str, value: u64) -> Result<()> {
        Ok(self.dict.set(key, &value)?)
    }

    fn update(&mut self, items: &[(String, u64)]) -> Result<()> {
        Ok(self.dict.extend(items.iter().map(|(key, value)| (key, value)))?)
    }
}
