//! A hash of numbers that the server itself has given out, one after the other.
//!
//! Nobody outside can choose them, so there is nothing to defend against, and a lookup by one costs
//! next to nothing.

use std::hash::Hasher;

/// Spreads neighbours over the whole range.
#[derive(Default)]
pub(super) struct ById(u64);

impl Hasher for ById {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(self.0 ^ u64::from(byte)));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // The golden ratio, odd: no two numbers become one, and neighbours differ above, too.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
