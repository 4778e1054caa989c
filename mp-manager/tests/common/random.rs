//! Numbers without a pattern, the same in each run.

/// The generator "xorshift64*".
pub(crate) struct Random(u64);

impl Random {
    /// Any seed but zero.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns a number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (number % u64::from(end)) as u32
    }
}
