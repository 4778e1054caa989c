//! Numbers and bytes without a pattern, the same in each run.

/// The generator "xorshift64*".
pub(crate) struct Random(u64);

impl Random {
    /// Any seed but zero.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.number() >> 32) % end as u64).unwrap()
    }

    /// Bytes below the given length, with zeros more often than chance would have them.
    pub(crate) fn bytes(&mut self, end: usize) -> Vec<u8> {
        let len = self.below(end);
        (0..len).map(|_| if self.below(3) == 0 { 0 } else { self.number() as u8 }).collect()
    }
}
