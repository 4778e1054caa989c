//! The entries of a dict, each with the number of its last change.

use super::super::Stored;
use super::super::ordered::OrderedMap;

/// A value, and the number of the change that put it there.
pub(super) struct Slot {
    pub(super) value: Stored,
    version: u64,
}

/// All entries, which a transaction takes along.
#[derive(Default)]
pub(crate) struct DictData {
    pub(super) map: OrderedMap<Slot>,
    changes: u64,
}

impl DictData {
    /// Puts a value, and returns the old one.
    pub(crate) fn insert(&mut self, key: &[u8], value: Stored) -> Option<Stored> {
        self.changes += 1;
        let slot = Slot { value, version: self.changes };
        self.map.insert(key, slot).map(|old| old.value)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Stored> {
        self.map.remove(key).map(|old| old.value)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Stored> {
        self.map.get(key).map(|slot| &slot.value)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.map.iter().map(|(_, key, _)| key)
    }

    pub(super) fn version(&self, key: &[u8]) -> u64 {
        self.map.get(key).map_or(0, |slot| slot.version)
    }
}
