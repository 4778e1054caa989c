//! The ceiling: threads that share a map.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use super::clients::Client;

type Map = HashMap<String, u64>;

/// One of the threads.
pub(super) struct Threads(Arc<Mutex<Map>>);

impl Threads {
    pub(super) fn start(how_many: usize) -> Vec<Self> {
        let shared = Arc::default();
        (0..how_many).map(|_| Self(Arc::clone(&shared))).collect()
    }

    fn with<R>(&self, f: impl FnOnce(&mut Map) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Client for Threads {
    fn get(&mut self, key: &str) -> Result<u64> {
        self.with(|map| map.get(key).copied()).context("no such key")
    }

    fn set(&mut self, key: &str, value: u64) -> Result<()> {
        self.with(|map| match map.get_mut(key) {
            Some(old) => *old = value,
            None => drop(map.insert(key.to_owned(), value)),
        });
        Ok(())
    }

    fn update(&mut self, items: &[(String, u64)]) -> Result<()> {
        self.with(|map| map.extend(items.iter().cloned()));
        Ok(())
    }
}
