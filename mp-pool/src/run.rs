//! A chunk that is being run, in the worker.

use std::ops::Range;

use mp_handle::{Parcel, SLICE};
use mp_process::{Func, Function, catch_panic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::output::TaskOutput;
use crate::protocol::{Item, Status, now};
use crate::worker::Link;

/// A task function, wrapped into what runs a whole chunk with it.
pub(crate) type TaskFunction = Func<Box<Run>, Box<Run>>;

/// The chunk, and the way to the parent.
pub(crate) struct Run {
    pub(crate) link: Link,
    pub(crate) seq: u32,
    pub(crate) items: Parcel,
    pub(crate) ranges: Vec<Range<usize>>,
    /// Items have a deadline.
    pub(crate) timed: bool,
    /// How many items go by between two looks at the clock.
    stride: usize,
    last_ring: u64,
}

/// A caller who waits for single items, to show progress, hears of them at least this often.
const RING_EVERY: u64 = 1_000_000;

impl Run {
    pub(crate) fn new(
        link: Link,
        seq: u32,
        items: Parcel,
        ranges: Vec<Range<usize>>,
        timed: bool,
    ) -> Box<Self> {
        let last_ring = if ranges.len() > 1 { now() } else { 0 };
        Box::new(Self { link, seq, items, ranges, timed, stride: 1, last_ring })
    }

    /// The wrapper: calls `f` for each item.
    pub(crate) fn all<F, A, M>(f: F, mut run: Box<Self>) -> Box<Self>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let mut answer = Parcel::new();
        for (index, range) in (0..).zip(std::mem::take(&mut run.ranges)) {
            let item = Item { seq: run.seq, index };
            run.link.words.begin(item, run.timed.then(now));
            let status = call::<F, A, M>(f, &run.items, range, &mut answer);
            if run.timed && !run.link.words.end(item) {
                // The parent has decided that this item took too long: it is about to kill
                // this process, and nothing more may be told.
                loop {
                    std::thread::sleep(SLICE);
                }
            }
            run.link.push(item, status, &answer);
            run.ring_now_and_then(index as usize);
        }
        run.link.bell.ring();
        run
    }

    /// Wakes the parent for the items so far, if the last time was long ago. Looks at the clock
    /// more rarely if the items are short.
    fn ring_now_and_then(&mut self, index: usize) {
        if self.last_ring == 0 || !index.is_multiple_of(self.stride) {
            return;
        }
        let now = now();
        if now - self.last_ring < RING_EVERY {
            self.stride = (self.stride * 2).min(256);
        } else {
            self.stride = 1;
            self.last_ring = now;
            self.link.bell.ring();
        }
    }
}

/// Calls `f` with one item, and encodes what became of it as the only content of `answer`.
fn call<F, A, M>(f: F, items: &Parcel, range: Range<usize>, answer: &mut Parcel) -> Status
where
    F: Function<A>,
    F::Output: TaskOutput<M>,
    A: DeserializeOwned,
{
    answer.clear();
    let args = match items.get::<A>(range) {
        Ok(args) => args,
        Err(error) => return describe(answer, Status::NotDecoded, &error.to_string()),
    };
    let called = catch_panic(|| match f.call(args).into_result() {
        Ok(value) => answer.push(&value).map(|_| Status::Returned),
        Err(failure) => answer.push(&failure).map(|_| Status::Failed),
    });
    match called {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => describe(answer, Status::NotEncoded, &error.to_string()),
        Err(panic) => describe(answer, Status::Panicked, &panic),
    }
}

/// Puts the description of a failure into `answer`.
pub(crate) fn describe<T: Serialize>(answer: &mut Parcel, status: Status, what: &T) -> Status {
    answer.clear();
    // Texts and panics can always be encoded.
    let _ = answer.push(what);
    status
}
