//! Where a frame lies, and which of all messages comes next.

/// Frames begin at multiples of this, so that 27 bits name any place of a segment.
pub(super) const UNIT: usize = 8;

const OFFSET_BITS: u32 = 27;

/// The largest segment: what 27 bits can name.
pub(super) const SEGMENT_MAX: usize = UNIT << OFFSET_BITS;

/// As many segments as 5 bits can name.
pub(super) const SEGMENTS_MAX: usize = 32;

/// A place in the store: a segment, and an offset in it in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) offset: usize,
}

impl Place {
    /// Any bits are a place, though perhaps of no segment that is there.
    #[inline]
    pub(super) fn from_bits(bits: u32) -> Place {
        let units = bits & ((1 << OFFSET_BITS) - 1);
        Place { segment: (bits >> OFFSET_BITS) as usize, offset: units as usize * UNIT }
    }

    #[inline]
    pub(super) fn to_bits(self) -> u32 {
        (self.segment as u32) << OFFSET_BITS | (self.offset / UNIT) as u32
    }

    #[inline]
    pub(super) fn after(self, len: usize) -> Place {
        Place { segment: self.segment, offset: self.offset + len }
    }
}

/// How far one side has come: the number of its next message, and where that begins. Both are in
/// one word, so that one store moves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u32,
    pub(super) place: Place,
}

impl Mark {
    #[inline]
    pub(super) fn from_bits(bits: u64) -> Mark {
        Mark { number: (bits >> 32) as u32, place: Place::from_bits(bits as u32) }
    }

    #[inline]
    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.place.to_bits())
    }

    /// Returns the mark behind a message that begins at `start` and takes `len` bytes there.
    #[inline]
    pub(super) fn next(self, start: Place, len: usize) -> Mark {
        Mark { number: self.number.wrapping_add(1), place: start.after(len) }
    }

    /// Counts the messages from `head` up to this mark.
    #[inline]
    pub(super) fn since(self, head: Mark) -> u32 {
        self.number.wrapping_sub(head.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: usize, offset: usize) -> Place {
        Place { segment, offset }
    }

    #[test]
    fn marks_survive_their_word() {
        let last = at(SEGMENTS_MAX - 1, SEGMENT_MAX - UNIT);
        for place in [at(0, 0), at(3, 4096), last] {
            for number in [0, 1, u32::MAX] {
                let mark = Mark { number, place };
                assert_eq!(Mark::from_bits(mark.to_bits()), mark);
            }
        }
    }

    #[test]
    fn numbers_begin_anew_after_the_last() {
        let head = Mark { number: u32::MAX, place: at(0, 0) };
        let tail = head.next(head.place, 16);
        assert_eq!((tail.number, tail.since(head)), (0, 1));
    }
}
