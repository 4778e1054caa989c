//! The way through an operation, and where on it a victim can run instead of being stepped.

use std::collections::HashMap;

/// Fewer steps than this are not worth a jump.
const WORTH: usize = 100;

/// Where each instruction of an operation is, in the order in which they are done.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<u64>);

/// A run to a place ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    /// The instruction there.
    pub(crate) address: u64,
    /// How often the victim comes to that instruction until it is at the place.
    pub(crate) times: usize,
    /// How many instructions are done then.
    pub(crate) instructions: usize,
}

impl Path {
    pub(crate) fn push(&mut self, address: u64) {
        self.0.push(address);
    }

    /// The next jump from one place towards another, if one is worth it. In between are no system
    /// calls.
    ///
    /// First it goes to what is new on the way, as late as may be: however often the victim has been
    /// through the loops before, from there on it is in step. The rest is counted by what is rarest.
    pub(crate) fn jump(&self, from: usize, to: usize) -> Option<Jump> {
        let here = *self.0.get(from)?;
        let mut times = HashMap::new();
        let ahead = self.0.iter().enumerate().take(to + 1).skip(from + 1);
        let jumps = ahead.map(|(instructions, &address)| {
            let times = times.entry(address).and_modify(|times| *times += 1).or_insert(1);
            Jump { address, times: *times, instructions }
        });
        // Whether it would stop where it is already depends on how it came there.
        let jumps: Vec<_> = jumps.filter(|jump| jump.address != here).collect();
        let new = jumps.iter().rfind(|jump| jump.times == 1);
        if let Some(jump) = new.filter(|jump| jump.instructions > from + WORTH) {
            return Some(*jump);
        }
        let stops = |jump: &Jump| jump.times + (to - jump.instructions);
        jumps.into_iter().min_by_key(stops).filter(|jump| stops(jump) + WORTH < to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jump(path: &[u64], from: usize, to: usize) -> Option<Jump> {
        path.iter()
            .fold(Path::default(), |mut path, &address| {
                path.push(address);
                path
            })
            .jump(from, to)
    }

    #[test]
    fn what_is_done_once_is_run_to_at_once() {
        let path: Vec<u64> = (0..1000).collect();
        assert_eq!(jump(&path, 10, 900), Some(Jump { address: 900, times: 1, instructions: 900 }));
    }

    #[test]
    fn what_is_new_comes_first_and_loops_are_counted_by_what_is_rarest_in_them() {
        // Ten rounds of a hundred instructions, half of which are those of a shorter loop.
        let round = || (0..50).chain((0..5).flat_map(|_| 50..60));
        let path: Vec<u64> = (2000..2200).chain((0..10).flat_map(|_| round())).collect();
        let new = Jump { address: 59, times: 1, instructions: 259 };
        assert_eq!(jump(&path, 0, 1152), Some(new));
        let rarest = Jump { address: 49, times: 9, instructions: 1149 };
        assert_eq!(jump(&path, 259, 1152), Some(rarest));
    }

    #[test]
    fn what_is_near_is_stepped_to() {
        let path: Vec<u64> = (0..1000).collect();
        assert_eq!(jump(&path, 500, 550), None);
        assert_eq!(jump(&path, 999, 1000), None);
        assert_eq!(jump(&[], 0, 1000), None);
    }

    #[test]
    fn no_jump_goes_to_the_instruction_that_is_next_already() {
        assert_eq!(jump(&[7; 1000], 0, 999), None);
    }
}
