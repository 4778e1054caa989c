//! When the items of a relayed call ran, on the way to the caller.
//!
//! Each machine has a clock of its own: the moments are those of the worker's, and beside them
//! stands when they were sent, by the same clock. Who takes them knows when they came, and so how
//! the clocks differ, but for the time that the way took.

use crate::insight::{Bar, Slow};
use crate::protocol::now;

/// Neighbouring items that a worker has run one after the other, and the slowest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) pid: u32,
    pub(crate) bar: Bar,
    pub(crate) slow: Slow,
    /// How long the worker has worked in all its life.
    pub(crate) busy: u64,
}

const WORDS: usize = 8;

impl Span {
    /// It is sent now.
    pub(super) fn encode(&self) -> [u8; 8 * WORDS] {
        let Self { bar, slow: (slowest, longest), busy, .. } = *self;
        let moments = [now(), bar.start, bar.end];
        let others = [bar.busy, longest, busy, bar.failed, slowest as u64];
        let mut bytes = [0; 8 * WORDS];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(moments.into_iter().chain(others)) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads a span of `tasks` items from the one at `first` on, and when it was sent; what makes
    /// no sense is none.
    pub(super) fn decode(
        bytes: &[u8],
        (first, tasks): (usize, usize),
        pid: u32,
    ) -> Option<(Self, u64)> {
        let bytes: &[u8; 8 * WORDS] = bytes.try_into().ok()?;
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[8 * at + i]));
        let [sent, start, end, busy, longest, in_all, failed] = std::array::from_fn(word);
        let is_right = start <= end
            && failed <= tasks as u64
            && [end, busy, longest, in_all].iter().all(|&it| it <= sent);
        let slow = (usize::try_from(word(WORDS - 1)).ok()?, longest);
        let bar = Bar { start, end, index: first, tasks: tasks as u64, failed, busy };
        is_right.then_some((Self { pid, bar, slow, busy: in_all }, sent))
    }

    /// The same, of a chunk whose first item is at `place` among those of its call.
    pub(super) fn from(mut self, place: usize) -> Self {
        self.bar.index = self.bar.index.saturating_add(place);
        self.slow.0 = self.slow.0.saturating_add(place);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Span;
    use crate::insight::Bar;
    use crate::protocol::now;

    #[test]
    fn a_span_comes_as_it_was_sent_and_nonsense_is_none() {
        let now = now();
        let bar =
            Bar { start: now - 900, end: now - 100, index: 2, tasks: 3, failed: 1, busy: 700 };
        let span = Span { pid: 7, bar, slow: (3, 400), busy: 900 };
        let bytes = span.encode();
        let (came, sent) = Span::decode(&bytes, (2, 3), 7).unwrap();
        assert_eq!(came, span);
        assert!(sent >= now);
        assert_eq!((came.from(10).bar.index, came.from(10).slow), (12, (13, 400)));
        assert_eq!(Span::decode(&bytes, (2, 0), 7), None, "more failed than there were");
        assert_eq!(Span::decode(&bytes[1..], (2, 3), 7), None);
        for word in 1..7 {
            let mut lie = bytes;
            lie[8 * word..8 * word + 8].fill(u8::MAX);
            assert_eq!(Span::decode(&lie, (2, 3), 7), None, "word {word}");
        }
    }
}
