//! Answers from threads of the server other than the leader's: what an object has handed out to
//! others to do, and they have done.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mp_handle::Bell;

use super::state::State;
use crate::error::Refusal;
use crate::objects::{Reply, Ticket};

type Answered = (Ticket, Result<Reply, Refusal>);

/// Where they are left for the leader, who is woken for them.
pub(crate) struct Outside {
    answered: Mutex<Vec<Answered>>,
    has_some: AtomicBool,
    bell: Bell,
}

impl Outside {
    pub(super) fn new(bell: Bell) -> Self {
        Self { answered: Mutex::default(), has_some: AtomicBool::new(false), bell }
    }

    /// Has a request answered that is parked, if it still is.
    pub(crate) fn answer(&self, ticket: Ticket, result: Result<Reply, Refusal>) {
        self.lock().push((ticket, result));
        self.has_some.store(true, Ordering::Release);
        self.bell.ring();
    }

    #[inline]
    pub(super) fn has_some(&self) -> bool {
        self.has_some.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Answered> {
        self.has_some.store(false, Ordering::Relaxed);
        mem::take(&mut *self.lock())
    }
}

impl State {
    /// Sends the answers that others have left.
    #[inline]
    pub(super) fn hear_outside(&mut self) {
        if self.aide.outside.has_some() {
            for (ticket, mut result) in self.aide.outside.take() {
                if self.parked.contains_key(&ticket) {
                    self.unpark(ticket);
                    self.answer(ticket, result.as_mut().map_err(|refusal| refusal.clone()));
                }
            }
        }
    }
}
