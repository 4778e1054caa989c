//! A chunk that is being run, in the worker.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::slice;

use mp_handle::{Flat, Parcel, SLICE};
use mp_process::{ForeignFunction, Func, Function, catch_panic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::copies;
use crate::frames::Status;
use crate::orders::Limits;
use crate::outlet::Outlet;
use crate::output::TaskOutput;
use crate::protocol::{Item, now};
use crate::travel::{self, Kept, Lengths};

/// A task function, wrapped into what runs a whole chunk with it. It travels to all processes of
/// the same program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Routine {
    run: Func<Box<Run>, Box<Run>>,
    id: u64,
}

impl Routine {
    /// Wraps a function that takes `A`, and gives what `M` says: [`Plain`](crate::Plain) values, or
    /// those of [`Fallible`](crate::Fallible) functions.
    ///
    /// # Errors
    ///
    /// The function is part of a shared library, and cannot travel.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::{Plain, Routine};
    ///
    /// fn double(n: u32) -> u32 {
    ///     2 * n
    /// }
    ///
    /// let [one, other] = [Routine::new::<_, _, Plain>(double)?, Routine::new::<_, _, Plain>(double)?];
    /// assert_eq!(one.id(), other.id());
    /// assert_ne!(one.id(), Routine::new::<_, _, Plain>(|n: u32| 3 * n)?.id());
    /// # Ok::<(), mp_process::ForeignFunction>(())
    /// ```
    pub fn new<F, A, M>(f: F) -> Result<Self, ForeignFunction>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let mut hasher = DefaultHasher::new();
        typeid::of::<(F, M)>().hash(&mut hasher);
        let run = Func::bind(f, |f: F, run| Run::all::<F, A, M>(f, run))?;
        Ok(Self { run, id: hasher.finish() })
    }

    /// Which function it is, and whether it is fallible: the same wherever in this build it was
    /// wrapped, for those who look it up in a table of their own. What has come from elsewhere says
    /// what it likes.
    #[must_use]
    pub fn id(self) -> u64 {
        self.id
    }

    /// Calls the function for each item of the chunk that the run has turned to.
    pub(crate) fn call(self, run: Box<Run>) -> Box<Run> {
        self.run.call(run)
    }
}

/// What a call of `F` with the arguments `A` gives.
type Value<F, A, M> = <<F as Function<A>>::Output as TaskOutput<M>>::Value;

/// The chunk, and the way for its results. One serves all chunks of a worker.
pub(crate) struct Run {
    pub(crate) outlet: Outlet,
    pub(crate) items: Parcel,
    seq: u32,
    lengths: Kept,
    limits: Limits,
    /// Somebody may stop an item, so that none ends unless the parent lets it.
    is_guarded: bool,
    answer: Parcel,
    rings: Rings,
}

impl Run {
    pub(crate) fn new(outlet: Outlet) -> Self {
        Self {
            outlet,
            items: Parcel::new(),
            seq: 0,
            lengths: Kept::default(),
            limits: Limits::NONE,
            is_guarded: false,
            answer: Parcel::new(),
            rings: Rings::new(0),
        }
    }

    /// Turns to another chunk, whose items are there.
    pub(crate) fn begin(
        &mut self,
        seq: u32,
        lengths: Lengths<'_>,
        limits: Limits,
        is_guarded: bool,
    ) {
        self.seq = seq;
        self.limits = limits;
        self.is_guarded = is_guarded;
        self.outlet.limit(limits);
        self.lengths.keep(lengths);
        self.rings = Rings::new(lengths.count());
    }

    /// The wrapper: calls `f` for each item.
    pub(crate) fn all<F, A, M>(f: F, mut run: Box<Self>) -> Box<Self>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let mut cursor = Cursor { seq: run.seq, index: 0, start: 0 };
        let count = run.lengths.get().count();
        while cursor.index < count {
            if !run.column::<F, A, M>(f, &mut cursor) {
                run.one::<F, A, M>(f, &mut cursor);
            }
        }
        run.outlet.ring();
        run
    }

    /// Calls `f` for the next item.
    fn one<F, A, M>(&mut self, f: F, cursor: &mut Cursor)
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let timed = self.is_timed();
        let (item, range) = cursor.advance(self.lengths.get());
        self.outlet.begin(item, timed);
        let status = call::<F, A, M>(f, &self.items, range, &mut self.answer);
        if timed && !self.outlet.end(item) {
            // The parent has decided that this item took too long: it is about to kill this
            // process, and nothing more may be told.
            loop {
                std::thread::sleep(SLICE);
            }
        }
        self.outlet.push(item, status, &mut self.answer);
        if self.rings.is_due() {
            self.outlet.ring();
        }
    }

    /// Calls `f` for the next items, and tells their values side by side, up to one that has none;
    /// false, and nothing is done, if that cannot be.
    fn column<F, A, M>(&mut self, f: F, cursor: &mut Cursor) -> bool
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let Some(flat) = Flat::<Value<F, A, M>>::new().filter(|_| !self.is_timed()) else {
            return false;
        };
        let room = Column::room(flat.size(), self.lengths.get().count() - cursor.index);
        let Self { lengths, outlet: Outlet::Parent(link), items, answer, rings, .. } = self else {
            return false;
        };
        if room < 2 || link.is_timed() {
            return false;
        }
        let first = cursor.item();
        let Ok(mut column) = Column::begin(&mut link.results, first, flat.size(), room) else {
            // There is no room for so many. A single value waits for it.
            return false;
        };
        let (mut item, end, mut is_due) = (first, cursor.index + room, false);
        let called = catch_panic(|| {
            while cursor.index < end {
                let range;
                (item, range) = cursor.advance(lengths.get());
                link.words.begin(item, None);
                let value = evaluate::<F, A, M>(f, items, range, answer);
                copies::end_if_copy();
                match value {
                    Ok(value) => column.push(flat.bytes(slice::from_ref(&value))),
                    Err(status) => return Some(status),
                }
                is_due = rings.is_due();
                if is_due {
                    break;
                }
            }
            None
        });
        // One that panics has not come past the last look.
        copies::end_if_copy();
        column.publish();
        let status =
            called.unwrap_or_else(|panic| Some(describe(answer, Status::Panicked, &panic)));
        if let Some(status) = status {
            link.push(item, status, answer);
        }
        if is_due {
            link.ring();
        }
        true
    }

    fn is_timed(&self) -> bool {
        self.limits.are_set() || self.is_guarded
    }
}

/// The item whose turn it is, and where its bytes begin.
struct Cursor {
    seq: u32,
    index: usize,
    start: usize,
}

impl Cursor {
    fn item(&self) -> Item {
        Item { seq: self.seq, index: self.index as u32 }
    }

    /// Gives the item and where its bytes are, and goes on to the next.
    #[inline]
    fn advance(&mut self, lengths: Lengths<'_>) -> (Item, Range<usize>) {
        let (item, start) = (self.item(), self.start);
        self.start += lengths.at(self.index);
        self.index += 1;
        (item, start..self.start)
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
    let called = catch_panic(|| {
        let value = match evaluate::<F, A, M>(f, items, range, answer) {
            Ok(value) => value,
            Err(status) => return status,
        };
        match travel::push(answer, &value) {
            Ok(_) => Status::Returned,
            Err(error) => describe(answer, Status::NotEncoded, &error.to_string()),
        }
    });
    called.unwrap_or_else(|panic| describe(answer, Status::Panicked, &panic))
}

/// Calls `f` with one item. Why it has no value is then the only content of `answer`.
#[inline]
fn evaluate<F, A, M>(
    f: F,
    items: &Parcel,
    range: Range<usize>,
    answer: &mut Parcel,
) -> Result<Value<F, A, M>, Status>
where
    F: Function<A>,
    F::Output: TaskOutput<M>,
    A: DeserializeOwned,
{
    let args = travel::get::<A>(items, range)
        .map_err(|error| describe(answer, Status::NotDecoded, &error.to_string()))?;
    f.call(args).into_result().map_err(|failure| describe(answer, Status::Failed, &failure))
}

/// Puts the description of a failure into `answer`.
pub(crate) fn describe<T: Serialize>(answer: &mut Parcel, status: Status, what: &T) -> Status {
    answer.clear();
    // Texts and panics can always be encoded.
    let _ = answer.push(what);
    status
}
