//! A chunk that is being run, in the worker.

use std::ops::Range;

use mp_handle::{Parcel, SLICE};
use mp_process::{ForeignFunction, Func, Function, catch_panic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chunk::lengths;
use crate::frames::Status;
use crate::orders::Limits;
use crate::outlet::Outlet;
use crate::output::TaskOutput;
use crate::protocol::{Item, now};

/// A task function, wrapped into what runs a whole chunk with it. It travels to all processes of
/// the same program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Routine(Func<Box<Run>, Box<Run>>);

impl Routine {
    pub(crate) fn new<F, A, M>(f: F) -> Result<Self, ForeignFunction>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        Func::bind(f, |f: F, run| Run::all::<F, A, M>(f, run)).map(Self)
    }

    /// Calls the function for each item of the chunk that the run has turned to.
    pub(crate) fn call(self, run: Box<Run>) -> Box<Run> {
        self.0.call(run)
    }
}

/// The chunk, and the way for its results. One serves all chunks of a worker.
pub(crate) struct Run {
    pub(crate) outlet: Outlet,
    pub(crate) items: Parcel,
    seq: u32,
    /// The lengths of the items.
    table: Vec<u8>,
    limits: Limits,
    /// Somebody may stop an item, so that none ends unless the parent lets it.
    is_guarded: bool,
    answer: Parcel,
    rings: Rings,
}

impl Run {
    pub(crate) fn new(outlet: Outlet) -> Self {
        let (items, answer) = (Parcel::new(), Parcel::new());
        let (table, rings) = (Vec::new(), Rings::new(0));
        Self {
            outlet,
            items,
            seq: 0,
            table,
            limits: Limits::NONE,
            is_guarded: false,
            answer,
            rings,
        }
    }

    /// Turns to another chunk, whose items are there.
    pub(crate) fn begin(&mut self, seq: u32, table: &[u8], limits: Limits, is_guarded: bool) {
        self.seq = seq;
        self.limits = limits;
        self.is_guarded = is_guarded;
        self.outlet.limit(limits);
        self.table.clear();
        self.table.extend_from_slice(table);
        self.rings = Rings::new(table.len() / 4);
    }

    /// The wrapper: calls `f` for each item.
    pub(crate) fn all<F, A, M>(f: F, mut run: Box<Self>) -> Box<Self>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let Self { outlet, items, seq, table, limits, is_guarded, answer, rings } = &mut *run;
        let (seq, timed, mut start) = (*seq, limits.are_set() || *is_guarded, 0);
        for (index, len) in (0..).zip(lengths(table)) {
            let item = Item { seq, index };
            let range = start..start + len;
            start = range.end;
            outlet.begin(item, timed);
            let status = call::<F, A, M>(f, items, range, answer);
            if timed && !outlet.end(item) {
                // The parent has decided that this item took too long: it is about to kill
                // this process, and nothing more may be told.
                loop {
                    std::thread::sleep(SLICE);
                }
            }
            outlet.push(item, status, answer);
            if rings.is_due() {
                outlet.ring();
            }
        }
        outlet.ring();
        run
    }
}

/// A caller who waits for single items, to show progress, hears of them at least this often.
const RING_EVERY: u64 = 1_000_000;

/// When to wake the parent for the items so far: if the last time was long ago. Looks at the clock
/// more rarely if the items are short.
struct Rings {
    last: u64,
    /// How many items go by between two looks at the clock.
    stride: usize,
    /// How many go by before the next look.
    left: usize,
}

impl Rings {
    /// For a chunk of `count` items. After the last one the parent is woken anyway.
    fn new(count: usize) -> Self {
        if count > 1 {
            Self { last: now(), stride: 1, left: 1 }
        } else {
            Self { last: 0, stride: 0, left: usize::MAX }
        }
    }

    /// One item more has ended: whether it is time.
    #[inline]
    fn is_due(&mut self) -> bool {
        self.left -= 1;
        self.left == 0 && self.look()
    }

    fn look(&mut self) -> bool {
        let now = now();
        let is_due = now - self.last >= RING_EVERY;
        if is_due {
            self.last = now;
        }
        self.stride = if is_due { 1 } else { (self.stride * 2).min(256) };
        self.left = self.stride;
        is_due
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
