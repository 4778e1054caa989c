//! Nothing is kept.

use std::sync::Arc;

use crate::error::Refusal;
use crate::objects::{Aide, Object, Reply, Ticket};
use crate::server::state::State;
use crate::wire::{ObjectId, Reader};

type Answered = (Ticket, Result<Reply, Refusal>);

#[derive(Default)]
pub(in crate::server) struct Cellar {}

impl Cellar {
    #[inline]
    pub(in crate::server) fn aide(&self, _: ObjectId) -> Result<Option<&Arc<Aide>>, Refusal> {
        Ok(None)
    }

    #[inline]
    pub(in crate::server) fn note(&mut self, _: ObjectId, _: &mut dyn Object) {}

    #[inline]
    pub(in crate::server) fn holds_answers(&self) -> bool {
        false
    }

    #[inline]
    pub(in crate::server) fn hold(&mut self, _: Ticket, _: Result<&mut Reply, Refusal>) {}

    #[inline]
    pub(in crate::server) fn commit(&mut self) -> Vec<Answered> {
        Vec::new()
    }
}

/// Refuses what is asked of a server that keeps things.
pub(in crate::server) fn serve(
    _: &mut State,
    _: Ticket,
    _: u8,
    _: Reader<'_>,
) -> Result<(), Refusal> {
    Err(Refusal::Misuse(String::from("the server was built without the feature `persist`")))
}
