//! An object of the user's type, which only the user's functions look into.

use std::any::Any;
use std::sync::Arc;

use super::{Aide, Object, Outcome, Ran, Turn, call};
use crate::error::Refusal;
use crate::function::{Shim, Subject};
use crate::wire::Reader;

/// What an object of the user's type is asked for.
pub(crate) mod op {
    use crate::objects::WITH_FUNCTION;

    pub(crate) const IS_POISONED: u8 = 1;
    pub(crate) const CLEAR_POISON: u8 = 2;
    pub(crate) const CONSTRUCT: u8 = WITH_FUNCTION | 1;
    pub(crate) const CALL: u8 = WITH_FUNCTION | 2;
    pub(crate) const CALL_POISONED: u8 = WITH_FUNCTION | 3;
}

/// The server's half.
#[derive(Default)]
pub(super) struct Custom {
    /// Absent until it is constructed.
    value: Option<Box<dyn Any + Send>>,
    is_poisoned: bool,
}

impl Object for Custom {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn handle(&mut self, op: u8, _: Reader<'_>, turn: &mut Turn<'_>) -> Result<Outcome, Refusal> {
        match op {
            op::IS_POISONED => turn.reply.flag(self.is_poisoned),
            op::CLEAR_POISON => self.is_poisoned = false,
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn run(&mut self, shim: Shim, op: u8, fields: Reader<'_>, aide: &Arc<Aide>) -> Ran {
        let subject = match (op, self.value.take()) {
            (op::CONSTRUCT, None) => Subject::Nothing,
            (op::CALL | op::CALL_POISONED, Some(value)) => Subject::Any(value),
            (_, value) => {
                self.value = value;
                return Err(Refusal::UnknownOp);
            }
        };
        if self.is_poisoned && op != op::CALL_POISONED {
            self.keep(subject);
            return Err(Refusal::Poisoned);
        }
        let (subject, ran) = call(shim, aide, subject, fields);
        self.keep(subject);
        self.is_poisoned |= matches!(ran, Err(Refusal::Panicked(_)));
        ran
    }
}

impl Custom {
    fn keep(&mut self, subject: Subject) {
        if let Subject::Any(value) = subject {
            self.value = Some(value);
        }
    }
}
