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
        let client = |_| Self { dict: dict.clone(), _manager: manager.clone() };
        Ok((0..how_many).map(client).collect())
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
