//! The values of a list, in order, and a note of what changes in them.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Index, Range};

use super::Stored;
use super::record::Rows;

#[derive(Default)]
pub(super) struct Sequence {
    values: VecDeque<Stored>,
    rows: Rows,
}

impl Sequence {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Stored> {
        self.values.get(place)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Stored> {
        self.values.iter()
    }

    /// Puts another value into a place where one is, which it returns.
    pub(super) fn replace(&mut self, place: usize, value: Stored) -> Stored {
        self.rows.replaced(place, &value);
        mem::replace(&mut self.values[place], value)
    }

    pub(super) fn swap(&mut self, one: usize, other: usize) {
        self.values.swap(one, other);
        for place in [one, other] {
            self.rows.replaced(place, &self.values[place]);
        }
    }

    pub(super) fn extend(&mut self, values: Vec<Stored>) {
        let (start, count) = (self.values.len(), values.len());
        self.values.extend(values);
        self.rows.spliced(start, 0, count, &self.values);
    }

    /// Inserts a value before the one in a place that is not behind the end.
    pub(super) fn insert(&mut self, place: usize, value: Stored) {
        self.values.insert(place, value);
        self.rows.spliced(place, 0, 1, &self.values);
    }

    pub(super) fn pop(&mut self) -> Option<Stored> {
        self.remove(self.values.len().checked_sub(1)?)
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Stored> {
        let removed = self.values.remove(place)?;
        self.rows.spliced(place, 1, 0, &self.values);
        Some(removed)
    }

    pub(super) fn clear(&mut self) {
        let count = mem::take(&mut self.values).len();
        self.rows.spliced(0, count, 0, &self.values);
    }

    /// Replaces a range that is not behind the end, and returns what was there.
    pub(super) fn splice(&mut self, range: Range<usize>, values: Vec<Stored>) -> Vec<Stored> {
        let Range { start, end } = range;
        let inserted = values.len();
        let behind = self.values.split_off(end);
        let removed: Vec<Stored> = self.values.drain(start..).collect();
        self.values.extend(values);
        self.values.extend(behind);
        self.rows.spliced(start, removed.len(), inserted, &self.values);
        removed
    }

    /// Replaces all values by as many others.
    pub(super) fn replace_all(&mut self, values: impl IntoIterator<Item = Stored>) {
        self.values = values.into_iter().collect();
        for (place, value) in self.values.iter().enumerate() {
            self.rows.replaced(place, value);
        }
    }

    pub(super) fn reverse(&mut self) {
        let values = mem::take(&mut self.values);
        self.replace_all(values.into_iter().rev());
    }
}

impl Index<usize> for Sequence {
    type Output = Stored;

    fn index(&self, place: usize) -> &Stored {
        &self.values[place]
    }
}

#[cfg(feature = "persist")]
impl super::Kept for Sequence {
    fn record(&mut self, is_on: bool) {
        self.rows.switch(is_on);
    }

    fn take_changes(&mut self) -> Vec<super::Change> {
        self.rows.take()
    }

    fn restore(&mut self, row: i64, bytes: &[u8]) -> Result<(), crate::wire::Malformed> {
        self.values.push_back(Stored::new(bytes, Vec::new()));
        self.rows.restored(row);
        Ok(())
    }
}
