//! Where the next frame goes.
//!
//! All decisions about the segments are made here, from the marks and the chain of jumps, and
//! without touching any memory but that of the chain.

use super::error::Corrupt;
use super::frame::JUMP_ROOM;
use super::place::Place;

/// The segments of a store, and which of them are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InUse(u32);

impl InUse {
    /// Walks the chain of jumps back from the segment of the tail to that of the head.
    ///
    /// What an earlier producer wrote into the chain and did not live to publish is not met: the
    /// walk begins with the tail that was published.
    pub(super) fn walk(
        tail: Place,
        head: Place,
        count: usize,
        previous: impl Fn(usize) -> usize,
    ) -> Result<InUse, Corrupt> {
        let mut used = 0_u32;
        let mut segment = tail.segment;
        loop {
            if segment >= count || used & 1 << segment != 0 {
                return Err(Corrupt::chain());
            }
            used |= 1 << segment;
            if segment == head.segment {
                return Ok(InUse(used));
            }
            segment = previous(segment);
        }
    }

    pub(super) fn contains(self, segment: usize) -> bool {
        self.0 & 1 << segment != 0
    }
}

/// Finds a place for `size` bytes in the tail's own segment, of `len` bytes: behind the last frame
/// or at the beginning. Behind it there is room for a jump.
#[inline]
pub(super) fn beside(tail: Place, head: Place, size: usize, len: usize) -> Option<Place> {
    let need = size + JUMP_ROOM;
    let start = Place { segment: tail.segment, offset: 0 };
    let fits = |end: usize| tail.offset + need <= end;
    if tail.segment != head.segment {
        // What is before the first frame here was left by an earlier use: nobody knows how much.
        return fits(len).then_some(tail);
    }
    if tail.offset < head.offset {
        return fits(head.offset).then_some(tail);
    }
    if fits(len) {
        return Some(tail);
    }
    (need <= head.offset).then_some(start)
}

/// Chooses a segment to jump to that has room for `size` bytes: the smallest that is larger than
/// the tail's, for a queue that overflows will likely grow; else the largest of the others.
pub(super) fn elsewhere(tail: Place, size: usize, used: InUse, lens: &[usize]) -> Option<Place> {
    let is_fit = |&segment: &usize| !used.contains(segment) && size + JUMP_ROOM <= lens[segment];
    let larger = (tail.segment + 1..lens.len()).find(is_fit);
    let smaller = || (0..tail.segment).rev().find(is_fit);
    larger.or_else(smaller).map(|segment| Place { segment, offset: 0 })
}

/// Returns the smallest segment for an empty store, if it is smaller than the tail's.
pub(super) fn back(tail: Place, size: usize, lens: &[usize]) -> Option<Place> {
    let segment = lens[..tail.segment].iter().position(|&len| size + JUMP_ROOM <= len)?;
    Some(Place { segment, offset: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENS: [usize; 3] = [64, 256, 1024];

    fn at(segment: usize, offset: usize) -> Place {
        Place { segment, offset }
    }

    #[test]
    fn a_frame_goes_behind_the_last_one_with_room_for_a_jump() {
        assert_eq!(beside(at(0, 16), at(0, 0), 40, 64), Some(at(0, 16)));
        assert_eq!(beside(at(0, 24), at(0, 0), 40, 64), None);
    }

    #[test]
    fn it_wraps_but_never_reaches_the_head() {
        assert_eq!(beside(at(0, 48), at(0, 32), 24, 64), Some(at(0, 0)));
        assert_eq!(beside(at(0, 48), at(0, 32), 32, 64), None);
        assert_eq!(beside(at(0, 24), at(0, 32), 8, 64), None);
        assert_eq!(beside(at(0, 16), at(0, 32), 8, 64), Some(at(0, 16)));
    }

    #[test]
    fn apart_from_the_head_it_goes_forward_only() {
        assert_eq!(beside(at(1, 200), at(0, 32), 48, 256), Some(at(1, 200)));
        assert_eq!(beside(at(1, 208), at(0, 32), 48, 256), None);
    }

    #[test]
    fn a_jump_goes_to_a_free_segment_and_rather_to_a_larger_one() {
        let used = InUse::walk(at(1, 8), at(1, 0), 3, |_| 9).unwrap();
        assert_eq!(elsewhere(at(1, 8), 16, used, &LENS), Some(at(2, 0)));
        let used = InUse::walk(at(2, 8), at(1, 0), 3, |_| 1).unwrap();
        assert_eq!(elsewhere(at(2, 8), 16, used, &LENS), Some(at(0, 0)));
        assert_eq!(elsewhere(at(2, 8), 64, used, &LENS), None);
    }

    #[test]
    fn an_empty_store_goes_back_to_the_smallest() {
        assert_eq!(back(at(2, 8), 16, &LENS), Some(at(0, 0)));
        assert_eq!(back(at(2, 8), 64, &LENS), Some(at(1, 0)));
        assert_eq!(back(at(0, 8), 16, &LENS), None);
    }

    #[test]
    fn a_chain_without_an_end_is_corrupt() {
        assert!(InUse::walk(at(1, 0), at(0, 0), 3, |_| 1).is_err());
        assert!(InUse::walk(at(1, 0), at(0, 0), 3, |segment| 3 - segment).is_err());
        assert!(InUse::walk(at(1, 0), at(0, 0), 3, |_| 77).is_err());
        assert!(InUse::walk(at(7, 0), at(0, 0), 3, |_| 0).is_err());
    }
}
