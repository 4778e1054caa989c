//! The rows of a list, as somebody has them who was told of all changes.

use std::collections::{BTreeMap, VecDeque};

use super::{Change, GAP, Rows, room};
use crate::objects::Stored;

fn apply(disk: &mut BTreeMap<i64, Vec<u8>>, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put { row, bytes } => drop(disk.insert(row, bytes)),
            Change::Remove { row } => assert!(disk.remove(&row).is_some(), "no row {row}"),
            Change::Clear => disk.clear(),
        }
    }
}

fn value(n: u64) -> Stored {
    Stored::new(&n.to_le_bytes(), Vec::new())
}

/// Numbers without a pattern, the same in each run.
fn random(state: &mut u64) -> usize {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize
}

#[test]
fn the_rows_on_disk_are_the_values_in_order() {
    let (mut state, mut disk) = (9, BTreeMap::new());
    let (mut rows, mut values) = (Rows::default(), VecDeque::<Stored>::new());
    rows.switch(true);
    for step in 0..3000 {
        let start = random(&mut state) % (values.len() + 1);
        let removed = (random(&mut state) % 4).min(values.len() - start);
        // More go in at the same place than fit between two: then all get new numbers.
        let (start, removed) = if step % 3 == 0 { (values.len() / 2, 0) } else { (start, removed) };
        let inserted = random(&mut state) % 4;
        let behind = values.split_off(start + removed);
        values.truncate(start);
        values.extend((0..inserted as u64).map(|n| value(step * 10 + n)));
        values.extend(behind);
        rows.spliced(start, removed, inserted, &values);
        if let Some(place) = values.len().checked_sub(1) {
            let place = place.min(random(&mut state));
            values[place] = value(step);
            rows.replaced(place, &values[place]);
        }
        apply(&mut disk, rows.take());
        assert!(disk.values().map(Vec::as_slice).eq(values.iter().map(Stored::bytes)), "{step}");
    }
}

#[test]
fn there_is_room_until_there_is_none() {
    assert_eq!(room(None, None, 3), Some((0, GAP)));
    assert_eq!(room(Some(5), Some(9), 3), Some((6, 1)));
    assert_eq!(room(Some(5), Some(9), 4), None);
    assert_eq!(room(Some(i64::MAX - 1), None, 1), None);
    assert_eq!(room(None, Some(i64::MIN + 1), 1), None);
}
