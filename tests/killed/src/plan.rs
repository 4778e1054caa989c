//! Where to kill: every place if there are not too many of them, else those that matter most.

use std::collections::HashSet;
use std::fmt;

use crate::options::Options;
use crate::path::Path;
use crate::random::Random;

/// How many of the other places of longer operations are drawn.
const DRAWN: usize = 300;

/// So many writes to shared memory have their kills; of more, such as of a loop that copies, so many
/// are drawn.
const WRITES: usize = 1000;

/// A sample of a long operation is smaller: so many steps are enough.
const SAMPLE_STEPS: usize = 100_000;

/// Who has to be stepped where it could not run goes so far at most.
const NEAR: usize = 5000;

/// A place within an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// When so many instructions are done.
    After(usize),
    /// In the sleep of this number, counted from one.
    Asleep(usize),
    /// There, when what it slept for has come, before it could run.
    Woken(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::After(number) => write!(f, "after {number} instructions"),
            Place::Asleep(number) => write!(f, "in sleep {number}"),
            Place::Woken(number) => write!(f, "woken from sleep {number}"),
        }
    }
}

/// What the tracer saw when it stepped through the whole operation.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) instructions: usize,
    /// Which of them were system calls.
    pub(crate) calls: Vec<usize>,
    /// Which of the others changed what is shared, if that was looked for.
    pub(crate) writes: Vec<usize>,
    /// Where all of them are, if a victim can run there.
    pub(crate) path: Path,
    /// How often it slept in one.
    pub(crate) sleeps: usize,
}

impl Recording {
    /// How many system calls are behind one who has done so many instructions, and how many
    /// instructions that were.
    pub(crate) fn calls_before(&self, instructions: usize) -> (usize, usize) {
        let calls = self.calls.partition_point(|&call| call < instructions);
        (calls, calls.checked_sub(1).map_or(0, |last| self.calls[last] + 1))
    }

    /// A place to step to instead of one to which a run did not lead: not as far behind the system
    /// call before it.
    pub(crate) fn near(&self, place: Place) -> Place {
        match place {
            Place::After(number) => {
                let (_, call) = self.calls_before(number);
                Place::After(call + (number - call) % NEAR)
            }
            place => place,
        }
    }

    /// The places to kill at.
    pub(crate) fn plan(&self, options: &Options) -> Vec<Place> {
        let mut random = Random::new(options.seed);
        let sleeps =
            (1..=self.sleeps).flat_map(|sleep| [Place::Asleep(sleep), Place::Woken(sleep)]);
        let mut plan: Vec<_> = sleeps.collect();
        let writes = random.draw(&mut self.writes.clone(), WRITES);
        let around: HashSet<_> =
            self.calls.iter().chain(&writes).flat_map(|&at| [at, at + 1]).collect();
        let is_around = |at: &usize| around.contains(at);
        let (mut calls, mut others): (Vec<_>, Vec<_>) =
            (0..=self.instructions).partition(is_around);
        match options.sample {
            Some(count) => {
                let steps = self.instructions / (self.calls.len() + 1) + 1;
                let count = count.min(SAMPLE_STEPS / steps + 1);
                plan = random.draw(&mut plan, count / 3);
                let drawn = random.draw(&mut calls, count / 3);
                let rest = count - plan.len() - drawn.len();
                let drawn = drawn.into_iter().chain(random.draw(&mut others, rest));
                plan.extend(drawn.map(Place::After));
            }
            None => {
                let is_long = self.instructions > options.each;
                let drawn = if is_long { random.draw(&mut others, DRAWN) } else { others };
                plan.extend(calls.into_iter().chain(drawn).map(Place::After));
            }
        }
        plan
    }
}
