//! Where a chunk that runs tells what became of its items.

use std::sync::Arc;
use std::{mem, process};

use mp_handle::Parcel;

use crate::answer::Answer;
use crate::current;
use crate::frames::Status;
use crate::job::Job;
use crate::link::Link;
use crate::orders::Limits;
use crate::protocol::{Item, now};

/// Where a chunk that runs tells what became of its items.
pub(crate) enum Outlet {
    /// In a worker process: its parent.
    Parent(Box<Link>),
    /// In the process that has called: the call.
    Here(Here),
}

/// The call that a chunk belongs to.
pub(crate) struct Here {
    pub(crate) job: Arc<Job>,
    /// The place of the first item.
    pub(crate) first: usize,
}

impl Outlet {
    /// Has tasks find the limits of those that come now.
    pub(crate) fn limit(&self, limits: Limits) {
        if let Self::Parent(_) = self {
            current::set_limits(limits);
        }
    }

    /// Is about to call the function for `item`; `timed` if somebody may condemn it.
    #[inline]
    pub(crate) fn begin(&self, item: Item, timed: bool) {
        if let Self::Parent(link) = self {
            let now = timed.then(now).inspect(|&now| current::begin(now));
            link.words.begin(item, now);
        }
    }

    /// The function has returned; false if the item was condemned.
    pub(crate) fn end(&self, item: Item) -> bool {
        match self {
            Self::Parent(link) => link.words.end(item),
            Self::Here(_) => true,
        }
    }

    /// Tells what became of an item. What is in `answer` may be gone then.
    #[inline]
    pub(crate) fn push(&mut self, item: Item, status: Status, answer: &mut Parcel) {
        match self {
            Self::Parent(link) => link.push(item, status, answer),
            Self::Here(here) => here.put(item, status, mem::take(answer)),
        }
    }

    /// Wakes who waits for what was told so far.
    #[inline]
    pub(crate) fn ring(&self) {
        if let Self::Parent(link) = self {
            link.ring();
        }
    }
}

impl Here {
    fn put(&self, item: Item, status: Status, answer: Parcel) {
        self.job
            .put(self.first + item.index as usize, Answer::Encoded(status, answer, process::id()));
    }
}
