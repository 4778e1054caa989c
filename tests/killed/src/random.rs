//! Numbers without a pattern, the same in each run.

/// The generator "xorshift64*".
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// Returns a number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        number as usize % end
    }

    /// Takes `count` of them at random, and leaves the others.
    pub(crate) fn draw<T>(&mut self, from: &mut Vec<T>, count: usize) -> Vec<T> {
        let count = count.min(from.len());
        (0..count).map(|_| from.swap_remove(self.below(from.len()))).collect()
    }
}
