//! The entries of a dict, each with the number of its last change.

use super::super::Stored;
use super::super::ordered::{Key, OrderedMap};
use super::super::record::Record;
use crate::wire::Put;

/// A value, and the number of the change that put it there.
struct Slot {
    value: Stored,
    version: u64,
}

/// All entries, which a transaction takes along.
#[derive(Default)]
pub(crate) struct DictData {
    map: OrderedMap<Slot>,
    changes: u64,
    record: Record,
}

impl DictData {
    /// Puts a value, and returns the old one.
    #[inline]
    pub(crate) fn insert(&mut self, key: &[u8], value: Stored) -> Option<Stored> {
        self.changes += 1;
        let slot = Slot { value, version: self.changes };
        let old = self.map.insert(key, slot);
        if self.record.is_on()
            && let Some((number, slot)) = self.map.numbered(key)
        {
            self.record.put(number as i64, |row| write_row(row, key, &slot.value));
        }
        old.map(|old| old.value)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Stored> {
        if self.record.is_on()
            && let Some((number, _)) = self.map.numbered(key)
        {
            self.record.remove(number as i64);
        }
        self.map.remove(key).map(|old| old.value)
    }

    pub(super) fn pop_last(&mut self) -> Option<(Key, Stored)> {
        let (_, last) = self.map.ends()?;
        self.record.remove(last as i64);
        self.map.pop_last().map(|(key, slot)| (key, slot.value))
    }

    pub(super) fn pop_first(&mut self) -> Option<(Key, Stored)> {
        let (first, _) = self.map.ends()?;
        self.record.remove(first as i64);
        self.map.pop_first().map(|(key, slot)| (key, slot.value))
    }

    pub(super) fn clear(&mut self) {
        self.map.clear();
        self.record.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.map.contains(key)
    }

    /// The entries whose place has a number behind `number`.
    pub(super) fn iter_behind(&self, number: u64) -> impl Iterator<Item = (u64, &[u8], &Stored)> {
        self.map.iter_behind(number).map(|(number, key, slot)| (number, key, &slot.value))
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

/// An entry as it is kept on disk: two values as on the wire.
fn write_row(row: &mut Vec<u8>, key: &[u8], value: &Stored) {
    for bytes in [key, value.bytes()] {
        row.put_value(bytes, [].into_iter());
    }
}

#[cfg(feature = "persist")]
impl super::super::Kept for DictData {
    fn record(&mut self, is_on: bool) {
        self.record.switch(is_on);
    }

    fn take_changes(&mut self) -> Vec<super::super::Change> {
        self.record.take()
    }

    fn restore(&mut self, row: i64, bytes: &[u8]) -> Result<(), crate::wire::Malformed> {
        let mut fields = crate::wire::Reader::new(bytes);
        let (key, value) = (fields.value()?, fields.value()?);
        let slot = Slot { value: Stored::new(value.bytes, Vec::new()), version: 1 };
        self.changes = 1;
        self.map.append(row as u64, key.bytes, slot);
        Ok(())
    }
}
