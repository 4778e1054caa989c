//! A map that keeps the order of insertion, as Python's dict does, and takes out anywhere at a
//! constant price.
//!
//! Entries stand in a row in the order in which they came, and a hash table knows their places. An
//! entry that is taken out leaves a hole; when there are more holes than entries, the row is moved
//! together. No hole is ever first or last, so both ends are found at once. Each place has a number
//! that grows along the row and survives the moving, so that who reads page by page can go on
//! behind what it has seen, whatever was inserted or taken out meanwhile.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::mem;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

/// Fewer holes than this are left alone.
const FEW: usize = 32;

/// Keys are encoded values: bytes.
pub(crate) type Key = Box<[u8]>;

struct Place<V> {
    number: u64,
    entry: Option<(Key, V)>,
}

pub(crate) struct OrderedMap<V> {
    /// Counted from `base`.
    places: VecDeque<Place<V>>,
    /// Where each key is: its place in the row plus `base`.
    table: HashTable<u64>,
    /// How many places were taken off the front; it is what keeps the table valid then.
    base: u64,
    /// The number of the next place.
    next: u64,
    hasher: RandomState,
}

impl<V> Default for OrderedMap<V> {
    fn default() -> Self {
        Self {
            places: VecDeque::new(),
            table: HashTable::new(),
            base: 0,
            next: 1,
            hasher: RandomState::new(),
        }
    }
}

impl<V> OrderedMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        let is_key = |&at: &u64| self.key_at(at) == Some(key);
        self.table.find(hash, is_key).map(|at| (at - self.base) as usize)
    }

    fn key_at(&self, at: u64) -> Option<&[u8]> {
        key_at(&self.places, self.base, at)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&V> {
        let place = self.places.get(self.find(key)?)?;
        place.entry.as_ref().map(|(_, value)| value)
    }

    /// The number of the place of a key, and its value.
    pub(crate) fn numbered(&self, key: &[u8]) -> Option<(u64, &V)> {
        let place = self.places.get(self.find(key)?)?;
        place.entry.as_ref().map(|(_, value)| (place.number, value))
    }

    /// The numbers of the first place and the last one.
    pub(crate) fn ends(&self) -> Option<(u64, u64)> {
        Some((self.places.front()?.number, self.places.back()?.number))
    }

    /// Puts a value into a place with this number, which is behind all others.
    #[cfg(feature = "persist")]
    pub(crate) fn append(&mut self, number: u64, key: &[u8], value: V) {
        self.next = self.next.max(number);
        self.insert(key, value);
    }

    /// Puts a value: in the place of the old one, which it returns, or at the end.
    pub(crate) fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let Self { places, table, base, next, hasher } = self;
        let found = table.entry(
            hash,
            |&at| key_at(places, *base, at) == Some(key),
            |&at| hasher.hash_one(key_at(places, *base, at).unwrap_or_default()),
        );
        match found {
            TableEntry::Occupied(occupied) => {
                let place = &mut places[(occupied.get() - *base) as usize];
                place.entry.as_mut().map(|(_, old)| mem::replace(old, value))
            }
            TableEntry::Vacant(vacant) => {
                vacant.insert(*base + places.len() as u64);
                places.push_back(Place { number: *next, entry: Some((key.into(), value)) });
                *next += 1;
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<V> {
        let at = self.find(key)?;
        self.take(at).map(|(_, value)| value)
    }

    pub(crate) fn pop_last(&mut self) -> Option<(Key, V)> {
        self.take(self.places.len().checked_sub(1)?)
    }

    pub(crate) fn pop_first(&mut self) -> Option<(Key, V)> {
        self.take(0)
    }

    /// Takes the entry out that is at `at` in the row.
    fn take(&mut self, at: usize) -> Option<(Key, V)> {
        let taken = self.places.get_mut(at)?.entry.take()?;
        let hash = self.hasher.hash_one(&*taken.0);
        let place = self.base + at as u64;
        if let Ok(found) = self.table.find_entry(hash, |&other| other == place) {
            found.remove();
        }
        while self.places.back().is_some_and(|place| place.entry.is_none()) {
            self.places.pop_back();
        }
        while self.places.front().is_some_and(|place| place.entry.is_none()) {
            self.places.pop_front();
            self.base += 1;
        }
        if self.places.len() - self.table.len() > self.table.len() + FEW {
            self.move_together();
        }
        Some(taken)
    }

    fn move_together(&mut self) {
        self.places.retain(|place| place.entry.is_some());
        self.places.shrink_to_fit();
        self.base = 0;
        self.table.clear();
        let Self { places, table, hasher, .. } = self;
        let hash = |key: Option<&[u8]>| hasher.hash_one(key.unwrap_or_default());
        table.shrink_to(places.len(), |_| 0);
        for at in 0..places.len() as u64 {
            let rehash = |&at: &u64| hash(key_at(places, 0, at));
            table.insert_unique(hash(key_at(places, 0, at)), at, rehash);
        }
    }

    pub(crate) fn clear(&mut self) {
        let next = self.next;
        *self = Self { next, ..Self::default() };
    }

    /// The entries in order, each with the number of its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &[u8], &V)> {
        self.iter_behind(0)
    }

    /// The entries whose place has a number behind `number`.
    pub(crate) fn iter_behind(&self, number: u64) -> impl Iterator<Item = (u64, &[u8], &V)> {
        let start = self.places.partition_point(|place| place.number <= number);
        self.places.range(start..).filter_map(|place| {
            let (key, value) = place.entry.as_ref()?;
            Some((place.number, &**key, value))
        })
    }
}

fn key_at<V>(places: &VecDeque<Place<V>>, base: u64, at: u64) -> Option<&[u8]> {
    let place = places.get(at.checked_sub(base)? as usize)?;
    place.entry.as_ref().map(|(key, _)| &**key)
}

#[cfg(test)]
#[path = "ordered_tests.rs"]
mod tests;
