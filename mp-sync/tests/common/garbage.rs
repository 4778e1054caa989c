//! Arbitrary bytes in the memory of a named object.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use super::random::Random;

/// What the file begins with; it was read when the object was opened.
const HEADER: u64 = 64;

/// Writes over some of the first `words` words of the object's memory, and the last of its page.
pub(crate) fn scribble(name: &str, words: u32, random: &mut Random) {
    let file = OpenOptions::new().write(true).open(format!("/dev/shm/mp.{name}")).unwrap();
    let end = rustix::param::page_size() as u64;
    for _ in 0..random.below(20) + 1 {
        let value = match random.below(3) {
            0 => random.below(5),
            1 => u32::MAX - random.below(5),
            _ => random.below(u32::MAX),
        };
        let place = match random.below(4) {
            0 => end - 4 * u64::from(random.below(4) + 1),
            _ => HEADER + 4 * u64::from(random.below(words)),
        };
        file.write_all_at(&value.to_ne_bytes(), place).unwrap();
    }
}
