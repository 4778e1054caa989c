//! A named object's words, to be written over.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use super::random::Random;

/// The lock's words: the last four of the first page.
pub(crate) struct Scribble {
    file: File,
    lock: u64,
}

/// What a peer that looks for trouble would write into the futex word.
const FLAGS: [u32; 4] = [0, 1 << 30, 1 << 31, 3 << 30];

impl Scribble {
    pub(crate) fn on(name: &str) -> Scribble {
        let path = format!("/dev/shm/mp.{name}");
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Scribble { file, lock: rustix::param::page_size() as u64 - 16 }
    }

    /// Writes over one word or more; `ids` are numbers of threads and processes.
    pub(crate) fn scribble(&self, random: &mut Random, ids: &[u32]) {
        for word in 0..4 {
            if random.below(3) == 0 {
                continue;
            }
            let number = match random.below(4) {
                0 => random.below(u32::MAX),
                1 => 0,
                _ => ids[random.below(ids.len() as u32) as usize],
            };
            let flags = FLAGS[random.below(4) as usize];
            self.write(word, number | flags);
        }
    }

    /// Makes the lock one that nobody holds or has held.
    pub(crate) fn clean(&self) {
        (0..4).for_each(|word| self.write(word, 0));
    }

    /// Makes the lock what the kernel leaves of one whose holder died before it wrote its name.
    pub(crate) fn leave_nameless(&self) {
        self.write(2, 1 << 30);
    }

    fn write(&self, word: u64, value: u32) {
        self.file.write_all_at(&value.to_ne_bytes(), self.lock + 4 * word).unwrap();
    }
}
