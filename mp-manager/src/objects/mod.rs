//! What the server holds: one file for each type of object, the server's half of it.
//!
//! An object is asked in its own language: an op and its fields, read from a frame that nobody has
//! looked into. It answers at once, or parks the ticket of the caller and answers when something
//! has changed. An op with the bit [`WITH_FUNCTION`] runs a function of the user: that is done
//! without the lock of the server, and the object is away meanwhile: who asks it waits, others do
//! not.

mod aide;
mod barrier;
mod custom;
mod dict;
mod event;
mod list;
mod monitor;
mod ordered;
mod queue;
mod record;
mod semaphore;
mod sequence;
mod stored;
mod waiters;
#[cfg(feature = "pool")]
mod workers;

pub(crate) use aide::Aide;
pub(crate) use barrier::op as barrier_op;
pub(crate) use custom::op as custom_op;
pub(crate) use dict::{DictData, op as dict_op};
pub(crate) use event::op as event_op;
pub(crate) use list::op as list_op;
pub(crate) use monitor::op as monitor_op;
pub(crate) use ordered::OrderedMap;
pub(crate) use queue::op as queue_op;
#[cfg(feature = "persist")]
pub(crate) use record::{Change, Kept};
pub(crate) use semaphore::op as semaphore_op;
pub(crate) use stored::Stored;
#[cfg(feature = "pool")]
pub(crate) use workers::op as pool_op;

use std::sync::Arc;
use std::time::Duration;

use mp_handle::Deadline;

use crate::error::Refusal;
use crate::function::{Call, Shim, Subject};
use crate::server::Hold;
use crate::wire::{Malformed, Put, Reader, Value};

/// The number of a client, never used again.
pub(crate) type ClientId = u64;

/// A request that wants an answer: whose it is, and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket {
    pub(crate) client: ClientId,
    pub(crate) request: u64,
}

/// The types of objects, as they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Dict = 1,
    List,
    Custom,
    Queue,
    Semaphore,
    Monitor,
    Event,
    Barrier,
    #[cfg(feature = "pool")]
    Pool,
}

impl Kind {
    const ALL: &'static [Self] = &[
        Self::Dict,
        Self::List,
        Self::Custom,
        Self::Queue,
        Self::Semaphore,
        Self::Monitor,
        Self::Event,
        Self::Barrier,
        #[cfg(feature = "pool")]
        Self::Pool,
    ];

    pub(crate) fn read(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        let number = fields.u8()?;
        Self::ALL.iter().copied().find(|&kind| kind as u8 == number).ok_or(Malformed)
    }

    /// Makes an object, of the fields that its constructor takes.
    pub(crate) fn create(self, fields: &mut Reader<'_>) -> Result<Box<dyn Object>, Malformed> {
        Ok(match self {
            Self::Dict => Box::<dict::Dict>::default(),
            Self::List => Box::<list::List>::default(),
            Self::Custom => Box::<custom::Custom>::default(),
            Self::Queue => Box::new(queue::Queue::create(fields)?),
            Self::Semaphore => Box::new(semaphore::Semaphore::create(fields)?),
            Self::Monitor => Box::<monitor::Monitor>::default(),
            Self::Event => Box::<event::Event>::default(),
            Self::Barrier => Box::new(barrier::Barrier::create(fields)?),
            #[cfg(feature = "pool")]
            Self::Pool => Box::new(workers::Workers::create(fields)?),
        })
    }

    /// Whether it is of no use without functions of the program, and costs processes: other
    /// programs make none.
    pub(crate) fn is_for_family(self) -> bool {
        match self {
            #[cfg(feature = "pool")]
            Self::Pool => true,
            _ => false,
        }
    }

    /// The op by which the new object is completed, if a function of the user makes it.
    pub(crate) fn constructor(self) -> Option<u8> {
        (self == Self::Custom).then_some(custom_op::CONSTRUCT)
    }
}

/// Set in the ops that run a function of the user, which their first field names.
pub(crate) const WITH_FUNCTION: u8 = 0x40;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The answer is in the turn's reply.
    Answered,
    /// The same, and the client has something now that it may not take to its grave.
    Entrusted,
    /// The object keeps the ticket until something happens, or the deadline comes.
    Parked(Deadline),
}

/// A time limit as it travels: nanoseconds, or without end.
pub(crate) fn deadline(fields: &mut Reader<'_>) -> Result<Deadline, Malformed> {
    Ok(match fields.u64()? {
        FOREVER => Deadline::NEVER,
        nanos => Deadline::after(Duration::from_nanos(nanos)),
    })
}

/// The time limit that is none.
pub(crate) const FOREVER: u64 = u64::MAX;

/// What is answered, and the references that the client gets with it.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) grants: Vec<Hold>,
}

impl Reply {
    pub(crate) fn value(&mut self, stored: &Stored) {
        let holds = stored.holds();
        self.bytes.put_value(stored.bytes(), holds.iter().map(|hold| hold.id()));
        self.grants.extend(holds.iter().cloned());
    }

    pub(crate) fn optional(&mut self, stored: Option<&Stored>) {
        self.bytes.put_u8(u8::from(stored.is_some()));
        if let Some(stored) = stored {
            self.value(stored);
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.bytes.put_u8(u8::from(flag));
    }

    pub(crate) fn number(&mut self, number: usize) {
        self.bytes.put_u64(number as u64);
    }

    /// How much room there is in an answer for one page: it takes the one that exceeds it.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= PAGE
    }
}

/// About so many bytes travel at once when a large object is read bit by bit.
const PAGE: usize = 256 << 10;

/// One request on its way through an object.
pub(crate) struct Turn<'a> {
    pub(crate) aide: &'a Arc<Aide>,
    pub(crate) ticket: Ticket,
    pub(crate) reply: &'a mut Reply,
    /// Answers for others, who have waited for what this request did.
    pub(crate) others: &'a mut Vec<(Ticket, Reply)>,
}

impl Turn<'_> {
    pub(crate) fn store(&self, value: Value<'_>) -> Result<Stored, Refusal> {
        self.aide.store(value)
    }

    /// Answers one who has waited.
    pub(crate) fn answer(&mut self, ticket: Ticket, reply: Reply) {
        self.others.push((ticket, reply));
    }
}

/// The server's half of a type.
pub(crate) trait Object: Send {
    /// What it is called, for those who ask the server what it holds.
    fn name(&self) -> &'static str;

    fn handle(
        &mut self,
        op: u8,
        fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal>;

    /// Whether this asks for what others give back without waiting for the answer: the question is
    /// served when all of them were heard. None runs a function.
    fn is_question(&self, op: u8) -> bool {
        let _ = op;
        false
    }

    /// Runs a function of the user, for an op with [`WITH_FUNCTION`].
    fn run(&mut self, shim: Shim, op: u8, fields: Reader<'_>, aide: &Arc<Aide>) -> Ran {
        let _ = (shim, op, fields, aide);
        Err(Refusal::UnknownOp)
    }

    /// The object as one that can be kept on disk, if it can.
    #[cfg(feature = "persist")]
    fn kept(&mut self) -> Option<&mut dyn Kept> {
        None
    }

    /// Answers those who waited for what a function may have done.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        let _ = turn;
    }

    /// The time of one who waits is over: forgets it, and gives the answer; `None` if it does not
    /// wait any more, or has to wait for something else.
    fn expire(&mut self, ticket: Ticket, turn: &mut Turn<'_>) -> Option<Reply> {
        let _ = (ticket, turn);
        None
    }

    /// A client is gone that has waited here, or holds something.
    fn forget(&mut self, client: ClientId, turn: &mut Turn<'_>) {
        let _ = (client, turn);
    }
}

/// What a function of the user gave.
pub(crate) type Ran = Result<Reply, Refusal>;

/// Calls a wrapped function; returns what it worked on beside what it gave.
pub(crate) fn call(
    shim: Shim,
    aide: &Arc<Aide>,
    subject: Subject,
    args: Reader<'_>,
) -> (Subject, Ran) {
    let Call { subject, outcome, .. } = *shim.call(Call::new(aide, subject, args));
    (subject, outcome)
}
