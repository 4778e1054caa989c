//! Notes changes for the one who keeps them.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;

use crate::objects::Stored;
use crate::wire::Malformed;

/// What has happened to the rows of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put { row: i64, bytes: Vec<u8> },
    Remove { row: i64 },
    Clear,
}

/// An object that can be kept on disk.
pub(crate) trait Kept {
    /// Begins to note changes, or stops.
    fn record(&mut self, is_on: bool);

    /// What has changed since the last time.
    fn take_changes(&mut self) -> Vec<Change>;

    /// Puts a row back behind those that are there.
    fn restore(&mut self, row: i64, bytes: &[u8]) -> Result<(), Malformed>;
}

/// The changes of an object whose rows have numbers of their own.
#[derive(Default)]
pub(in crate::objects) struct Record {
    /// Absent if nobody wants to know.
    changes: Option<Vec<Change>>,
}

impl Record {
    pub(in crate::objects) fn switch(&mut self, is_on: bool) {
        self.changes = is_on.then(Vec::new);
    }

    #[inline]
    pub(in crate::objects) fn put(&mut self, row: i64, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(changes) = &mut self.changes {
            let mut bytes = Vec::new();
            write(&mut bytes);
            changes.push(Change::Put { row, bytes });
        }
    }

    #[inline]
    pub(in crate::objects) fn remove(&mut self, row: i64) {
        if let Some(changes) = &mut self.changes {
            changes.push(Change::Remove { row });
        }
    }

    #[inline]
    pub(in crate::objects) fn clear(&mut self) {
        if let Some(changes) = &mut self.changes {
            // What was before does not matter any more.
            *changes = vec![Change::Clear];
        }
    }

    pub(in crate::objects) fn take(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(mem::take).unwrap_or_default()
    }

    #[inline]
    pub(in crate::objects) fn is_on(&self) -> bool {
        self.changes.is_some()
    }
}

/// How far apart the numbers of neighbours are at first, so that others fit in between.
const GAP: i64 = 1 << 20;

/// The rows of a list. Their numbers only say who comes before whom, so that an item that is
/// inserted in the middle moves none of the others; when there is no room left between two, all get
/// new numbers.
#[derive(Default)]
pub(in crate::objects) struct Rows {
    record: Record,
    /// One for each value, in order, if changes are noted.
    numbers: VecDeque<i64>,
}

impl Rows {
    /// Begins to note changes of a list that is new, or restored; or stops.
    pub(in crate::objects) fn switch(&mut self, is_on: bool) {
        self.record.switch(is_on);
        if !is_on {
            self.numbers.clear();
        }
    }

    pub(in crate::objects) fn take(&mut self) -> Vec<Change> {
        self.record.take()
    }

    pub(in crate::objects) fn restored(&mut self, row: i64) {
        self.numbers.push_back(row);
    }

    /// There is another value in a place.
    #[inline]
    pub(in crate::objects) fn replaced(&mut self, place: usize, value: &Stored) {
        if let Some(row) = self.numbers.get(place) {
            put(&mut self.record, *row, value);
        }
    }

    /// `removed` values were taken out from `start` on, and `inserted` ones put in there; `values`
    /// are as they are now.
    #[inline]
    pub(in crate::objects) fn spliced(
        &mut self,
        start: usize,
        removed: usize,
        inserted: usize,
        values: &VecDeque<Stored>,
    ) {
        if self.record.is_on() {
            self.splice(start..start + removed, inserted, values);
        }
    }

    fn splice(&mut self, removed: Range<usize>, inserted: usize, values: &VecDeque<Stored>) {
        let start = removed.start;
        if removed.len() == self.numbers.len() {
            self.numbers.clear();
            self.record.clear();
        } else {
            self.numbers.drain(removed).for_each(|row| self.record.remove(row));
        }
        let before = start.checked_sub(1).and_then(|place| self.numbers.get(place)).copied();
        let Some((first, step)) = room(before, self.numbers.get(start).copied(), inserted) else {
            return self.number_anew(values);
        };
        let behind = self.numbers.split_off(start);
        for (row, value) in
            (0..).map(|n| first + n * step).zip(values.range(start..)).take(inserted)
        {
            self.numbers.push_back(row);
            put(&mut self.record, row, value);
        }
        self.numbers.extend(behind);
    }

    #[cold]
    fn number_anew(&mut self, values: &VecDeque<Stored>) {
        self.record.clear();
        self.numbers = (0..values.len() as i64).map(|n| n * GAP).collect();
        for (row, value) in self.numbers.iter().zip(values) {
            put(&mut self.record, *row, value);
        }
    }
}

fn put(record: &mut Record, row: i64, value: &Stored) {
    record.put(row, |bytes| bytes.extend_from_slice(value.bytes()));
}

/// The first of `count` numbers between two others, and the step from each to the next; `None` if
/// there are not so many.
fn room(before: Option<i64>, after: Option<i64>, count: usize) -> Option<(i64, i64)> {
    let count = i64::try_from(count).ok()?;
    let width = GAP.checked_mul(count)?;
    let (first, step) = match (before, after) {
        (None, None) => (0, GAP),
        (Some(before), None) => (before.checked_add(GAP)?, GAP),
        (None, Some(after)) => (after.checked_sub(width)?, GAP),
        (Some(before), Some(after)) => {
            let step = after.checked_sub(before)? / (count + 1);
            (before.checked_add(step)?, step)
        }
    };
    first.checked_add(width)?;
    (step > 0).then_some((first, step))
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
