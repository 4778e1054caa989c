//! Texts without a pattern.

use super::random::Random;

/// A text of less than the given number of characters, of one to four bytes each.
pub(crate) fn text(random: &mut Random, end: usize) -> String {
    let len = random.below(end);
    (0..len).map(|_| character(random)).collect()
}

fn character(random: &mut Random) -> char {
    let end = [1, 0x80, 0x800, 0xd800, 0x11_0000][random.below(5)];
    char::from_u32(random.below(end) as u32).unwrap_or('\u{fffd}')
}
