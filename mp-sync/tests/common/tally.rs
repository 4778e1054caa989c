//! A counter that only a lock keeps right: it is read and written in two steps.

use std::sync::atomic::Ordering::Relaxed;

use mp_handle::{Kind, Region};

pub(crate) fn tally() -> Region {
    Region::create(Kind::new(1000, "tally"), 0, 64).unwrap()
}

pub(crate) fn count(tally: &Region) {
    let word = tally.atomic_u32(0).unwrap();
    word.store(word.load(Relaxed) + 1, Relaxed);
}

pub(crate) fn counted(tally: &Region) -> u32 {
    tally.atomic_u32(0).unwrap().load(Relaxed)
}
